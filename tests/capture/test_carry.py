"""Which columns' values travel: all with the outbox, but what is large or loaded late; none with NOTIFY."""

from typing import Any

import pytest
from sqlalchemy import ARRAY, JSON, Column, Integer, LargeBinary, MetaData, Numeric, String, Table, Text
from sqlalchemy.dialects.postgresql import DOMAIN, ENUM, JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from sa_notify import realtime
from sa_notify.capture.spec import TriggerParams, spec_for


class Document(TypeDecorator[Any]):
    impl = JSON
    cache_ok = True


def params(table: Table) -> TriggerParams:
    spec = spec_for(table)
    assert spec is not None
    return spec.params(table)


def test_large_types_are_left_out(metadata: MetaData) -> None:
    """Documents, binary, arrays, search texts and what SQLAlchemy doesn't know, however declared."""
    large = [
        JSON, JSONB, LargeBinary, ARRAY(Integer), TSVECTOR, Document, NullType,
        Text().with_variant(JSONB(), "postgresql"),
    ]  # fmt: skip
    table = Table(
        "t", metadata,
        Column("id", Integer, primary_key=True), Column("a", Text), Column("b", Numeric),
        Column("c", Integer),
        *[Column(f"large_{n}", kind) for n, kind in enumerate(large)],
    )  # fmt: skip
    realtime(delivery="outbox", exclude=["c"])(table)

    assert params(table).carry == ("a", "b")
    assert (params(table).texts, params(table).fixed) == (("a", "b"), ())


def test_domains_are_what_they_are_over(metadata: MetaData) -> None:
    """A domain is large, fixed or a text as its base type is, however it is called."""
    code = DOMAIN("code", Text)
    kinds: dict[str, TypeEngine[Any]] = {
        "picture": DOMAIN("picture", LargeBinary),
        "date": DOMAIN("date", JSONB),
        "mood": DOMAIN("m", ENUM("a", name="e")),
        "code": code,
        "deep": DOMAIN("deep", code),
        "count": DOMAIN("jsonb", Integer),
        "list": ARRAY(code),
    }
    columns: list[Column[Any]] = [Column(name, kind) for name, kind in kinds.items()]
    table = Table("t", metadata, Column("id", Integer, primary_key=True), *columns)
    realtime(delivery="outbox")(table)

    assert params(table).carry == ("mood", "code", "deep", "count")
    assert (params(table).fixed, params(table).texts) == (("count",), ("code", "deep"))


def test_named_columns_travel_whatever_they_are(metadata: MetaData) -> None:
    """Columns that are named are carried, exactly those; an empty list is none."""
    for name, carry in (("one", ["doc", "a"]), ("none", [])):
        table = Table(
            name, metadata,
            Column("id", Integer, primary_key=True), Column("a", String), Column("b", String),
            Column("doc", JSON),
        )  # fmt: skip
        realtime(delivery="outbox", carry=carry)(table)
        assert sorted(params(table).carry) == sorted(carry)


def test_deferred_columns_are_left_out() -> None:
    """What a class loads late stays at home, also for a subclass that shares its table."""

    class Base(DeclarativeBase):
        pass

    @realtime(delivery="outbox")
    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        body: Mapped[str] = mapped_column("text", deferred=True)
        notes = deferred(Column("notes", Text))
        __mapper_args__ = {"polymorphic_on": "kind"}  # noqa: RUF012

    assert params(Item.__table__).carry == ("kind",)  # type: ignore[arg-type]

    @realtime(delivery="outbox")
    class Special(Item):
        extra: Mapped[str | None] = mapped_column(deferred=True)
        plain: Mapped[str | None]
        __mapper_args__ = {"polymorphic_identity": "s"}  # noqa: RUF012

    assert params(Item.__table__).carry == ("kind", "plain")  # type: ignore[arg-type]


@pytest.mark.parametrize("delivery", ["notify"])
def test_nothing_by_notify(metadata: MetaData, delivery: str) -> None:
    """What every role can read carries nothing unless it is named."""
    table = realtime(delivery=delivery)(
        Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
    )
    assert params(table) == TriggerParams(key=("id",), columns=("a",))
