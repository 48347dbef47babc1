"""What is compared: no trigger, the floors, the naive one, and ours as ``create_all()`` installs it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, MetaData, text

from benchmarks.capture_table import items
from sa_notify import realtime

NONE, EMPTY, CONSTANT, NAIVE = "no trigger", "empty statement", "constant NOTIFY", "naive row"
OURS, CARRYING = "sa_notify notify", "sa_notify notify with values"
UNWATCHED, WATCHED = "sa_notify outbox, nobody watching", "sa_notify outbox, watched"
CARRIED = ("title", "status", "priority")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to tell of changes.

    :param install: puts its triggers on ``items`` of a database; gives the channels it notifies.
    :param fills: tables that its triggers fill, emptied between measurements.
    :param watched: somebody wants the table and reads its changes.
    """

    name: str
    install: Callable[[Engine], Iterable[str]]
    fills: tuple[str, ...] = ()
    watched: bool = False


_EMPTY = "CREATE FUNCTION empty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
_CONSTANT = """
CREATE FUNCTION constant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('constant', 'changed'); RETURN NULL; END $$
"""
_NAIVE = """
CREATE FUNCTION naive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('naive', to_jsonb(coalesce(NEW, OLD))::text); RETURN NULL; END $$
"""
_NAIVE_TRIGGER = """
CREATE TRIGGER naive AFTER INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION naive()
"""
_TRANSITIONS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def _statement_triggers(function: str) -> list[str]:
    return [
        f"CREATE TRIGGER {function}_{op} AFTER {op} ON items REFERENCING {tables}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        for op, tables in _TRANSITIONS.items()
    ]


def _run(engine: Engine, statements: Iterable[str]) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _nothing(_: Engine) -> Iterable[str]:
    return ()


def _empty(engine: Engine) -> Iterable[str]:
    _run(engine, [_EMPTY, *_statement_triggers("empty")])
    return ()


def _constant(engine: Engine) -> Iterable[str]:
    _run(engine, [_CONSTANT, *_statement_triggers("constant")])
    return ("constant",)


def _naive(engine: Engine) -> Iterable[str]:
    _run(engine, [_NAIVE, _NAIVE_TRIGGER])
    return ("naive",)


def _ours(engine: Engine) -> Iterable[str]:
    metadata = MetaData()
    realtime(delivery="notify")(items(metadata))
    metadata.create_all(engine)
    return ("sa_notify",)


def _carrying(engine: Engine) -> Iterable[str]:
    metadata = MetaData()
    realtime(carry=CARRIED, delivery="notify")(items(metadata))
    metadata.create_all(engine)
    return ("sa_notify",)


def _outbox(engine: Engine) -> Iterable[str]:
    metadata = MetaData()
    realtime(delivery="outbox")(items(metadata))
    metadata.create_all(engine)
    return ("sa_notify",)


def own() -> list[Variant]:
    """Those that need nothing but this project."""
    return [
        Variant(NONE, _nothing),
        Variant(EMPTY, _empty),
        Variant(CONSTANT, _constant),
        Variant(NAIVE, _naive),
        Variant(OURS, _ours),
        Variant(CARRYING, _carrying),
        Variant(UNWATCHED, _outbox),
        Variant(WATCHED, _outbox, watched=True),
    ]
