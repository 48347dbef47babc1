"""What the triggers of a decorated model write is what a source reads."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import BigInteger, Engine, Text, delete, insert, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import realtime
from sa_notify.capture.spec import record, specs
from sa_notify.change import Change, ChangeSet
from tests.source.announcing import THROUGH_OUTBOX
from tests.source.colours import Reader


class Base(DeclarativeBase):
    pass


@realtime(carry=["n"], bulk_limit=50)
class Thing(Base):
    __tablename__ = 'Thing "quoted"'

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, default=0)
    note: Mapped[str | None]


SPEC = specs(Base.metadata)[Thing.__table__.key]  # type: ignore[attr-defined]
TABLE = 'public."Thing ""quoted"""'


@pytest.fixture
def things(engine: Engine, reader: Reader) -> Engine:
    """The table, announced as the source hears it and wanted by it, with the source open."""
    through_outbox = engine.url.database in THROUGH_OUTBOX
    record(Thing.__table__, replace(SPEC, delivery="outbox" if through_outbox else "notify"))  # type: ignore[arg-type]
    Base.metadata.create_all(engine)
    reader.open()
    take = getattr(reader.source, "take", None)
    if take:
        assert reader.call(lambda: take([TABLE])) == {TABLE}
    return engine


def _read(reader: Reader, things: Engine) -> list[ChangeSet]:
    """Everything up to a transaction that comes last."""
    with things.begin() as connection:
        connection.execute(insert(Thing), {"name": "the end", "part": 0})
    last = ("the end", "0")
    return reader.until(lambda found: bool(found) and found[-1].changes[-1].key == last)[:-1]


def test_each_statement_is_read_as_it_was_written(reader: Reader, things: Engine) -> None:
    """Inserts, updates, deletes, moved keys and truncations arrive with keys, columns and values."""
    statements: list[Any] = [
        insert(Thing).values(name='ключ "1"', part=1, n=2**53 + 1),
        update(Thing).values(note="x"),
        update(Thing).values(n=3, note="y"),
        update(Thing).values(note="y"),
        update(Thing).values(part=2),
        delete(Thing),
        text(f"TRUNCATE {TABLE}"),
    ]
    xids = []
    for statement in statements:
        with things.begin() as connection:
            connection.execute(statement)
            xids.append(int(connection.scalar(text("SELECT pg_current_xact_id()::text")) or 0))
    found = _read(reader, things)
    first, second = ('ключ "1"', "1"), ('ключ "1"', "2")

    changes = [change for changeset in found for change in changeset.changes]
    assert {TABLE} == {change.table for change in changes}
    assert [
        ("insert", first, None),
        ("update", first, ("note",)),
        ("update", first, ("n", "note")),
        ("delete", first, None),
        ("insert", second, None),
        ("delete", second, None),
        ("truncate", None, None),
    ] == _in_any_order_of_a_moved_key([(change.op, change.key, change.columns) for change in changes])
    assert [xids[0], xids[1], xids[2], xids[4], xids[5], xids[6]] == [changeset.xid for changeset in found]
    assert changes[2].values["n"] == (str(2**53 + 1), "3")


def _in_any_order_of_a_moved_key(changes: list[Any]) -> list[Any]:
    return [*changes[:3], *sorted(changes[3:5], key=lambda change: str(change[0])), *changes[5:]]


def test_a_large_statement_is_one_change_of_its_table(reader: Reader, things: Engine) -> None:
    """More rows than bulk_limit are one bulk change; fewer come each, in several messages."""
    for count in (50, 51):
        with things.begin() as connection:
            rows = [{"name": "long " * 40 + str(n), "part": count} for n in range(count)]
            connection.execute(insert(Thing).values(rows))
    few, *rest = _read(reader, things)
    for changeset in [*rest][:-1]:
        few = ChangeSet(few.epoch, few.position, few.xid, few.changes + changeset.changes)

    assert [str(50)] * 50 == [change.key[1] for change in few.changes if change.key]
    assert (Change(TABLE, "bulk"),) == rest[-1].changes


def test_equal_changes_of_one_transaction_stay_apart(reader: Reader, things: Engine) -> None:
    """A row that goes to and fro in a transaction does not lose its last change as a repetition."""
    with things.begin() as connection:
        connection.execute(insert(Thing), {"name": "a", "part": 1})
        for n in (1, 0, 1, 0):
            connection.execute(update(Thing).values(n=n))
    changes = [change for changeset in _read(reader, things) for change in changeset.changes]

    assert [change.values["n"] for change in changes[1:]] == [("0", "1"), ("1", "0")] * 2
