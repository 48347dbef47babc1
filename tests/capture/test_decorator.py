"""``@realtime`` goes on everything that has a table, and refuses the rest with what to do instead."""

import subprocess
import sys
from typing import Any, ClassVar

import pytest
from sqlalchemy import Column, Computed, ForeignKey, Integer, MetaData, String, Table, Text, select
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    declarative_base,
    declared_attr,
    mapped_column,
    registry,
)

from sa_notify import realtime
from sa_notify.capture.spec import TriggerSpec, spec_for, specs
from sa_notify.errors import RealtimeError


@pytest.fixture(autouse=True)
def by_notify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that name no delivery use NOTIFY here, which needs nothing beside the table."""
    monkeypatch.setenv("SA_NOTIFY_DELIVERY", "notify")


def declarative() -> type[Any]:
    class Base(DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column("title")

    return Item


def legacy() -> type[Any]:
    base: Any = declarative_base()

    class Item(base):
        __tablename__ = "items"
        id = Column(Integer, primary_key=True)
        name = Column("title", Text)

    return Item


def dataclass() -> type[Any]:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class Item(Base):
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column("title")

    return Item


def flask_sqlalchemy() -> type[Any]:
    from flask_sqlalchemy import SQLAlchemy

    class Base(DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class Item(db.Model):  # type: ignore[name-defined]
        __tablename__ = "items"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column("title")

    return Item


def imperative() -> type[Any]:
    class Item:
        pass

    mapped = registry()
    table = Table("items", mapped.metadata, Column("id", Integer, primary_key=True), Column("title", Text))
    mapped.map_imperatively(Item, table, properties={"name": table.c.title})
    return Item


STYLES = [declarative, legacy, dataclass, flask_sqlalchemy, imperative]


@pytest.mark.parametrize("style", STYLES)
def test_styles(style: Any) -> None:
    """A class of any style stays what it was; its spec is with its metadata, in column names."""
    model = style()
    assert realtime(exclude=["name"], bulk_limit=7)(model) is model

    table = model.__table__ if hasattr(model, "__table__") else model.__mapper__.local_table
    assert table.metadata.info["sa_notify"] == {"items": TriggerSpec(exclude=("title",), bulk_limit=7)}
    assert table.info == {}


@pytest.mark.parametrize("style", STYLES)
def test_bare(style: Any) -> None:
    """Without options the defaults are meant."""
    model = style()
    assert realtime(model) is model

    assert spec_for(model.__mapper__.local_table) == TriggerSpec()


def test_tables(metadata: MetaData) -> None:
    """A Table is decorated by calling; names are of columns or of their keys."""
    table = Table(
        "t", metadata, Column("id", Integer, primary_key=True), Column("a", Text, key="b"), schema="s"
    )
    assert realtime(carry=["b"])(table) is table

    assert dict(specs(metadata)) == {"s.t": TriggerSpec(carry=("a",))}
    assert spec_for(Table("other", MetaData())) is None


def test_columns_added_later_are_captured(metadata: MetaData) -> None:
    """What is captured is asked of the table when the trigger is generated."""
    table = realtime(Table("t", metadata, Column("id", Integer, primary_key=True)))
    table.append_column(Column("late", Text))
    spec = spec_for(table)

    assert spec is not None and spec.params(table).columns == ("late",)


def test_joined_inheritance() -> None:
    """A joined subclass spans its parents' tables, each with the columns that it has."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        secret: Mapped[str]
        __mapper_args__: ClassVar[dict[str, str]] = {"polymorphic_on": "kind", "polymorphic_identity": "p"}

    @realtime(exclude=["secret"], carry=["pay"])
    class Worker(Person):
        __tablename__ = "workers"
        id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
        pay: Mapped[int]
        __mapper_args__: ClassVar[dict[str, str]] = {"polymorphic_identity": "w"}

    assert specs(Base.metadata) == {
        "people": TriggerSpec(exclude=("secret",)),
        "workers": TriggerSpec(carry=("pay",)),
    }


def test_concrete_inheritance() -> None:
    """A concrete subclass has nothing in its parent's table, which is not announced for it."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column(primary_key=True)

    @realtime
    class Robot(Person):
        __tablename__ = "robots"
        id: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__: ClassVar[dict[str, bool]] = {"concrete": True}

    assert [*specs(Base.metadata)] == ["robots"]


def test_parent_keeps_its_own_options() -> None:
    """Decorating a subclass too leaves what its parent was told."""

    class Base(DeclarativeBase):
        pass

    @realtime(bulk_limit=5)
    class Person(Base):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column(primary_key=True)

    @realtime
    class Worker(Person):
        __tablename__ = "workers"
        id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)

    assert specs(Base.metadata) == {"people": TriggerSpec(bulk_limit=5), "workers": TriggerSpec()}


def test_single_table_inheritance() -> None:
    """A single-table subclass means its parent's table."""

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = "people"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__: ClassVar[dict[str, str]] = {"polymorphic_on": "kind", "polymorphic_identity": "p"}

    @realtime
    class Boss(Person):
        __mapper_args__: ClassVar[dict[str, str]] = {"polymorphic_identity": "b"}

    assert specs(Base.metadata) == {"people": TriggerSpec()}


@pytest.mark.parametrize("delivery", ["notify"])
def test_automap_after_prepare(database: Any) -> None:
    """Reflected classes are decorated once they have their tables."""
    database.write("CREATE TABLE items (id int PRIMARY KEY, a text)")
    base = automap_base()
    base.prepare(autoload_with=database.engine)

    realtime(base.classes["items"])

    assert dict(specs(base.metadata)) == {"items": TriggerSpec()}


def test_twice_the_same(metadata: MetaData) -> None:
    """Decorating again with the same options changes nothing; with others it is refused."""
    table = Table("t", metadata, Column("id", Integer, primary_key=True))
    realtime(realtime(table))

    with pytest.raises(RealtimeError, match="t is @realtime already, with .*: decorate it once"):
        realtime(bulk_limit=3)(table)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"exclude": ["titel"]}, r"exclude= names 'titel', which is no column of items: did you mean 'title'\?"),
    ({"carry": ["zzz"]}, r"carry= names 'zzz', .*: it has id, title, twice"),
    ({"carry": "title"}, r"carry='title' is one string: write carry=\['title'\]"),
    ({"carry": "all", "delivery": "notify"}, r"carry=\"all\" is for delivery=\"outbox\".* in carry=\[...\]"),
    ({"exclude": "title"}, r"write exclude=\['title'\]"),
    ({"exclude": ["id"]}, r"items.id is part of the primary key.*take it out of exclude="),
    (
        {"exclude": ["title"], "carry": ["title"]},
        r"'title' is both in exclude= and in carry=: leave it in one",
    ),
    ({"carry": ["twice"]}, r"items.twice is computed when read.*persisted=True"),
    ({"bulk_limit": 0}, r"bulk_limit=0: write a number of rows from 1 to"),
    ({"bulk_limit": "9"}, r"bulk_limit='9'"),
    ({"bulk_limit": True}, r"bulk_limit=True"),
    ({"bulk_limit": 2**31}, r"bulk_limit=2147483648: write a number of rows from 1 to 2147483647"),
    ({"exclude": None}, r"exclude=None: write a list of names of columns, exclude=\[...\]"),
    ({"carry": True}, r"carry=True: write a list of names of columns"),
    ({"carry": "ALL"}, r"carry='ALL' is one string: .* or carry=\"all\" in lower case"),
    ({"delivery": "wal"}, r"delivery='wal' is not in this release: write one of \"notify\", \"outbox\""),
    ({"delivery": "post"}, r"delivery='post' is not a delivery"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_refused_options(metadata: MetaData, options: dict[str, Any], message: str) -> None:
    """An option that can't be is refused with what to write instead, and nothing is recorded."""
    table = Table(
        "items", metadata,
        Column("id", Integer, primary_key=True), Column("title", Text),
        Column("twice", Integer, Computed("id * 2")),
    )  # fmt: skip
    with pytest.raises(RealtimeError, match=message):
        realtime(**options)(table)

    assert metadata.info == {}


def test_delivery_from_the_environment(metadata: MetaData, monkeypatch: pytest.MonkeyPatch) -> None:
    """SA_NOTIFY_DELIVERY is the default, and is named when it is refused."""
    table = Table("items", metadata, Column("id", Integer, primary_key=True))
    monkeypatch.setenv("SA_NOTIFY_DELIVERY", "wal")
    with pytest.raises(RealtimeError, match="SA_NOTIFY_DELIVERY='wal' is not in this release"):
        realtime(table)

    monkeypatch.delenv("SA_NOTIFY_DELIVERY")
    assert spec_for(realtime(table)) == TriggerSpec(carry="all", delivery="outbox")
    with pytest.raises(RealtimeError, match="already"):
        realtime(delivery="notify")(table)


def test_no_primary_key(metadata: MetaData) -> None:
    """A table without a primary key is refused."""
    with pytest.raises(RealtimeError, match="log has no primary key, .*: add one"):
        realtime(Table("log", metadata, Column("line", Text)))


def test_classes_without_a_table() -> None:
    """Abstract classes, mixins, unmapped and not yet reflected classes are refused."""

    class Base(DeclarativeBase):
        pass

    class Abstract(Base):
        __abstract__ = True

    class Mixin:
        @declared_attr.directive
        def __tablename__(cls) -> str:
            return "mixed"

    class Reflected(DeferredReflection, Base):
        __tablename__ = "reflected"

    with pytest.raises(RealtimeError, match="Abstract is abstract: decorate the concrete classes"):
        realtime(Abstract)
    with pytest.raises(RealtimeError, match="Mixin is not mapped: decorate the classes that use a mixin"):
        realtime(Mixin)
    with pytest.raises(RealtimeError, match=r"Reflected is not mapped: .* after prepare\(\)"):
        realtime(Reflected)
    with pytest.raises(RealtimeError, match="goes on a mapped class or a Table, not on 5"):
        realtime(5)  # type: ignore[type-var]


def test_selections(metadata: MetaData) -> None:
    """A class mapped to a selection has no table that a trigger could watch."""
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", String))

    class View:
        pass

    registry().map_imperatively(View, select(table).subquery("shown"))

    with pytest.raises(RealtimeError, match="not a table but a selection"):
        realtime(View)


def test_imports_stay_small() -> None:
    """Decorating models loads no Flask, Redis, gevent, Alembic or driver."""
    program = (
        "import sys, sqlalchemy as s, sa_notify\n"
        "sa_notify.realtime(s.Table('t', s.MetaData(), s.Column('id', s.Integer, primary_key=True)))\n"
        "heavy = ('flask', 'redis', 'gevent', 'alembic', 'psycopg2', 'socketio')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
