"""Models of every declarative style and feature that a live query meets."""

import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Enum,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    func,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    composite,
    declarative_base,
    deferred,
    mapped_column,
    query_expression,
    registry,
    relationship,
)

from sa_notify import realtime

metadata = MetaData()


class Base(DeclarativeBase):
    metadata = metadata


class DataBase(MappedAsDataclass, DeclarativeBase):
    metadata = metadata


Classic: Any = declarative_base(metadata=metadata)
mappers = registry(metadata=metadata)


class State(enum.Enum):
    OPEN = "o"
    DONE = "d"


@realtime
class Owner(Base):
    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    tasks: Mapped[list["Task"]] = relationship(back_populates="owner", lazy="joined", order_by="Task.id")


@dataclass
class Span:
    low: int
    high: int


@realtime(exclude=["secret"])
class Task(Base):
    """Attribute names that are not column names, and everything that is no plain column."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column("task_title", String(50))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2), default=Decimal("1.50"))
    state: Mapped[State] = mapped_column(Enum(State), default=State.OPEN)
    secret: Mapped[str] = mapped_column("hidden", default="s3cret", key="secret")
    notes: Mapped[str] = mapped_column(deferred=True, default="long")
    low: Mapped[int] = mapped_column(default=1)
    high: Mapped[int] = mapped_column(default=2)

    owner: Mapped[Owner | None] = relationship(back_populates="tasks", lazy="selectin")
    span: Mapped[Span] = composite("low", "high")
    loud = column_property(func.upper(title))
    spoiler = column_property(func.length(secret))
    extra: Mapped[str | None] = query_expression()

    @hybrid_property
    def cost(self) -> Any:
        return self.price * 2


Owner.task_count = column_property(
    select(func.count(Task.id)).where(Task.owner_id == Owner.id).correlate_except(Task).scalar_subquery()
)


@realtime
class Place(DataBase):
    __tablename__ = "places"

    x: Mapped[int] = mapped_column(primary_key=True)
    y: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(default="here")


@realtime
class Old(Classic):  # type: ignore[misc]
    __tablename__ = "Old Style"
    __table_args__ = {"schema": None}  # noqa: RUF012

    id = Column(Integer, primary_key=True)
    body = deferred(Column(String, default="b"), group="big")


plain_table = Table("plain", metadata, Column("code", String, primary_key=True), Column("n", Integer))
realtime(plain_table)


class Plain:
    code: str
    n: int


mappers.map_imperatively(Plain, plain_table)


@realtime
class Animal(Base):
    __tablename__ = "animals"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]


@realtime(exclude=["chip"])
class Dog(Animal):
    """Its table is read by a statement of its own, after the first."""

    __tablename__ = "dogs"
    __mapper_args__ = {"polymorphic_identity": "dog", "polymorphic_load": "selectin"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("animals.id"), primary_key=True)
    tricks: Mapped[int] = mapped_column(default=0)
    chip: Mapped[str] = mapped_column(default="c")


@realtime
class Cat(Animal):
    __tablename__ = "cats"
    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("animals.id"), primary_key=True)
    lives: Mapped[int] = mapped_column(default=9)


class Puppy(Dog):
    __mapper_args__ = {"polymorphic_identity": "puppy", "polymorphic_load": "selectin"}  # noqa: RUF012

    age: Mapped[int | None]


class Unheard(Base):
    """Nobody announces its changes."""

    __tablename__ = "unheard"

    id: Mapped[int] = mapped_column(primary_key=True)
