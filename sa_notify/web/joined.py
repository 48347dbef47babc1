"""The moment between SQLAlchemy and the driver, where one query's statement becomes that of many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from sa_notify.change import Key
from sa_notify.errors import NotTogether
from sa_notify.live.identity import freeze
from sa_notify.live.together import FORGET, TYPES, Sent, Together
from sa_notify.web.driven import Binds, parts_of

#: Drivers, and whether SQLAlchemy tells them each value's type in the statement.
CASTS = {"psycopg2": False, "psycopg": True}


@contextmanager
def joined(
    connection: Connection,
    statement: Any,
    binds: Binds,
    rows: Sequence[Sequence[Any]],
    numbers: Sequence[int],
    keys: Sequence[Key],
) -> Iterator[None]:
    """Make the first statement that is executed inside that of all parameter rows.

    :param statement: what will be executed.
    :param binds: its values; whatever else it has is for all.
    :param rows: each parameter row's values.
    :param numbers: of the query that each row belongs to.
    :param keys: the key that is asked for with each row, or an empty one.
    :raises NotTogether: they can't be made one.
    """

    def become(text: str, _: Sent, context: Any) -> tuple[str, Mapping[str, Any]]:
        every = _every(context.compiled, context.extracted_parameters, binds, rows)
        width = len(context.compiled._result_columns)  # noqa: SLF001
        cast = CASTS[connection.dialect.driver]
        made = Together(_as_sent(every, text), numbers, width, keys, cast=cast)
        return _asked(connection, made, made.question, several=not cast)

    with _met(connection, statement, binds, become):
        yield


@contextmanager
def rebound(
    connection: Connection, statement: Any, binds: Binds, row: Sequence[Any], *, before: str = ""
) -> Iterator[None]:
    """Give the first statement that is executed inside other values.

    :param statement: what will be executed.
    :param binds: its values; whatever else it has stays.
    :param row: what it has instead.
    :param before: statements that the same message has before it.
    :raises NotTogether: the values can't be given.
    """

    def become(text: str, own: Sent, context: Any) -> tuple[str, Mapping[str, Any]]:
        (other,) = _every(context.compiled, context.extracted_parameters, binds, [row])
        if own.text != other.text:
            raise NotTogether("the texts differ")
        return before + text, other.values

    with _met(connection, statement, binds, become):
        yield


@contextmanager
def _met(
    connection: Connection,
    statement: Any,
    binds: Binds,
    become: Callable[[str, Sent, Any], tuple[str, Mapping[str, Any]]],
) -> Iterator[None]:
    wanted = {id(bind) for bind in statement._generate_cache_key().bindparams}  # noqa: SLF001
    waiting = [True]

    def meet(
        connection: Connection,  # noqa: ARG001
        cursor: Any,  # noqa: ARG001
        text: str,
        values: Any,
        context: Any,
        many: bool,  # noqa: ARG001
    ) -> tuple[str, Mapping[str, Any]]:
        if not waiting:  # what is loaded after the rows
            return text, values
        waiting.clear()
        executed = context.extracted_parameters or ()
        if not wanted <= {id(bind) for bind in executed} or not wanted <= binds.places.keys():
            raise NotTogether("the statement's values are others when it is executed")
        translated = bool(context.execution_options.get("schema_translate_map"))
        own = _sent(context.compiled, executed)
        _check(own, Sent(text, values), translated=translated)
        return become(text, own, context)

    event.listen(connection, "before_cursor_execute", meet, retval=True)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", meet)


def _every(compiled: Any, executed: Sequence[Any], binds: Binds, rows: Sequence[Sequence[Any]]) -> list[Sent]:
    """What a driver gets for each row."""
    parts = parts_of(compiled, executed, binds)
    if parts is None:
        return [_sent(compiled, binds.given(executed, row)) for row in rows]
    return [Sent(compiled.string, {part.name: part.of(row) for part in parts}) for row in rows]


def _as_sent(every: Sequence[Sent], text: str) -> list[Sent]:
    """With the text as it is after schemas were translated."""
    if any(one.text != every[0].text for one in every):
        raise NotTogether("the texts differ")
    return [Sent(text, one.values) for one in every]


def _asked(
    connection: Connection, made: Together, question: tuple[str, Mapping[str, Any]] | None, *, several: bool
) -> tuple[str, Mapping[str, Any]]:
    """The statement, after PostgreSQL was asked about its strings.

    :param several: the driver takes several statements at once, and gives the last one's rows.
    """
    if question is None:
        return made.statement()
    text, values = question
    if several:
        told = connection.exec_driver_sql(f"{text}; {TYPES}", dict(values)).scalars().all()
        statement, values = made.statement(told)
        return f"{FORGET}; {statement}", values
    connection.exec_driver_sql(text, dict(values))
    told = connection.exec_driver_sql(TYPES).scalars().all()
    connection.exec_driver_sql(FORGET)
    return made.statement(told)


def _check(made: Sent, executed: Sent, *, translated: bool) -> None:
    """What is made here of the statement itself is what SQLAlchemy has made of it.

    :param translated: schemas are put into the text afterwards.
    :raises NotTogether: it is something else, which nobody foresaw.
    """
    same_text = translated or made.text == executed.text
    names = made.values.keys() | executed.values.keys()
    if not same_text or not all(_is_same(made.values.get(name), executed.values.get(name)) for name in names):
        raise NotTogether("the statement is another one when it is executed")


def _is_same(one: Any, other: Any) -> bool:
    frozen = freeze(one)
    if frozen != freeze(one):  # a driver's own object
        return type(one) is type(other)
    return frozen == freeze(other)


def _sent(compiled: Any, executed: Sequence[Any]) -> Sent:
    """What a driver gets, made by SQLAlchemy as for any statement that it has compiled already."""
    values: dict[str, Any] = compiled.construct_params(extracted_parameters=executed, escape_names=False)
    text, processors = compiled.string, compiled._bind_processors  # noqa: SLF001
    if compiled.literal_execute_params or compiled.post_compile_params:
        state = compiled.construct_expanded_state(values, escape_names=False)
        text, values, processors = state.statement, state.parameters, {**processors, **state.processors}
    escaped: Mapping[str, str] = compiled.escaped_bind_names
    return Sent(
        text,
        {
            escaped.get(name, name): processors[name](value) if name in processors else value
            for name, value in values.items()
        },
    )
