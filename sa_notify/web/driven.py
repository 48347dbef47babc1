"""A statement as the driver got it, to be executed again with other values.

What SQLAlchemy does around one that it has executed before takes three times as long as the statement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection

_Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Binds:
    """A statement's bound values, and where each is among those that others have instead of them."""

    places: Mapping[int, int]

    @classmethod
    def of(cls, binds: Sequence[BindParameter[Any]]) -> "Binds":
        return cls({id(bind): place for place, bind in enumerate(binds)})

    def given(self, executed: Sequence[Any], row: Sequence[Any]) -> list[Any]:
        """Of what is executed the values that are another row's, and the others as they are."""
        return [_Given(row[self.places[id(bind)]]) if id(bind) in self.places else bind for bind in executed]


@dataclass(frozen=True, slots=True)
class _Given:
    """A bound value in the place of a statement's own."""

    value: Any

    @property
    def effective_value(self) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class _Column:
    """Stands for what rows have in a place."""

    place: int


@dataclass(frozen=True, slots=True)
class Part:
    """One of the values that a driver gets.

    :param value: before its type makes of it what the driver takes.
    """

    name: str
    process: _Processor
    value: Any

    def of(self, row: Sequence[Any]) -> Any:
        """For a row of values."""
        value = self.value
        return self.process(row[value.place] if type(value) is _Column else value)


def parts_of(compiled: Any, executed: Sequence[Any], binds: Binds) -> list[Part] | None:
    """What a driver gets beside the text; ``None`` where the text depends on the values."""
    if compiled.literal_execute_params or compiled.post_compile_params:
        return None
    given = binds.given(executed, [_Column(place) for place in range(len(binds.places))])
    values: dict[str, Any] = compiled.construct_params(extracted_parameters=given, escape_names=False)
    processors, escaped = compiled._bind_processors, compiled.escaped_bind_names  # noqa: SLF001
    return [
        Part(escaped.get(name, name), processors.get(name, _same), value) for name, value in values.items()
    ]


def _same(value: Any) -> Any:
    return value


class Driven:
    """See the module.

    :param processors: what SQLAlchemy makes the values of the result's columns with.
    """

    __slots__ = ("_parts", "_processors", "_text")

    def __init__(self, text: str, parts: Sequence[Part], processors: Sequence[_Processor | None]) -> None:
        self._text, self._parts = text, tuple(parts)
        self._processors = tuple(processors) if any(processors) else ()

    @classmethod
    def of(cls, result: Any, binds: Binds) -> "Driven | None":
        """The statement whose result this is; ``None`` where its text or rows may be others."""
        context, metadata = result.context, result._metadata  # noqa: SLF001
        parts = parts_of(context.compiled, context.extracted_parameters, binds)
        processors = getattr(metadata, "_processors", None)
        translated = context.execution_options.get("schema_translate_map")
        if parts is None or processors is None or translated or metadata._tuplefilter is not None:  # noqa: SLF001
            return None
        return cls(context.compiled.string, parts, processors)

    def rows(self, connection: Connection, before: str, values: Sequence[Any]) -> Sequence[Any]:
        """The rows for other values.

        :param before: statements that the same message has before it.
        """
        result = connection.exec_driver_sql(
            before + self._text, {part.name: part.of(values) for part in self._parts}
        )
        return result.all() if not self._processors else [self._processed(row) for row in result]

    def _processed(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            value if process is None else process(value)
            for process, value in zip(self._processors, row, strict=True)
        )
