"""A model with a column of every kind that queries filter by, and rows with NULLs and equal values."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    JSON,
    BigInteger,
    DateTime,
    Double,
    Enum,
    ForeignKey,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    deferred,
    mapped_column,
    query_expression,
    reconstructor,
    relationship,
)

from sa_notify import realtime


class Base(DeclarativeBase):
    pass


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Reversed(TypeDecorator[str]):
    """Stores text backwards."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value)[::-1]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value[::-1]


@realtime
class Group(Base):
    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@realtime
class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    small: Mapped[int | None] = mapped_column(SmallInteger)
    big: Mapped[int | None] = mapped_column(BigInteger)
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    ratio: Mapped[float | None] = mapped_column(Double)
    title: Mapped[str | None] = mapped_column(String(6))
    code: Mapped[str | None] = mapped_column(CHAR(5))
    body: Mapped[str | None] = mapped_column(Text)
    secret: Mapped[str | None] = mapped_column(Reversed)
    mood: Mapped[Mood | None] = mapped_column(Enum(Mood))
    token: Mapped[UUID | None]
    day: Mapped[dt.date | None]
    naive: Mapped[dt.datetime | None]
    moment: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    clock: Mapped[dt.time | None]
    span: Mapped[dt.timedelta | None]
    done: Mapped[bool | None]
    data: Mapped[Any] = mapped_column(JSONB, nullable=True)
    plain: Mapped[Any] = mapped_column(JSON, nullable=True)
    tags: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    padded: Mapped[str | None]

    group: Mapped[Group | None] = relationship(lazy="joined")


@realtime
class Odd(Base):
    """Attributes that are not what a column holds: its rows are made by instances."""

    __tablename__ = "odds"

    x: Mapped[int] = mapped_column(primary_key=True)
    y: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("the_name")
    notes: Mapped[str] = deferred(mapped_column(Text))
    extra: Mapped[str | None] = query_expression()
    loud = column_property(func.upper(name.column))


@realtime
class Pair(Base):
    __tablename__ = "pairs"

    x: Mapped[int] = mapped_column(primary_key=True)
    y: Mapped[str] = mapped_column("the_y", primary_key=True)
    notes: Mapped[str] = deferred(mapped_column(Text, default="long"))
    n: Mapped[int]


@realtime(exclude=["secret"])
class Heard(Base):
    """Something may happen to its instances when they are loaded."""

    __tablename__ = "heard"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]
    secret: Mapped[str] = mapped_column(default="s")

    @reconstructor
    def loaded(self) -> None:
        self.n += 1000


@realtime
class Token(Base):
    __tablename__ = "tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int]


@realtime
class Short(Base):
    """Its keys are shorter than some that are asked for."""

    __tablename__ = "shorts"

    id: Mapped[str] = mapped_column(String(2), primary_key=True)
    n: Mapped[int]


@realtime
class Padded(Base):
    """Its keys are other texts in PostgreSQL than drivers give."""

    __tablename__ = "padded"

    id: Mapped[str] = mapped_column(CHAR(5), primary_key=True)
    n: Mapped[int]


@realtime
class Animal(Base):
    __tablename__ = "beasts"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]


class Dog(Animal):
    __mapper_args__ = {"polymorphic_identity": "dog"}  # noqa: RUF012


Group.size = column_property(
    select(func.count(Thing.id)).where(Thing.group_id == Group.id).correlate_except(Thing).scalar_subquery()
)


def things() -> list[Thing]:
    return [
        Thing(
            id=n,
            group_id=None if n % 7 == 0 else n % 4,
            small=n % 5,
            big=n * 10**12 if n % 3 else None,
            price=Decimal(n % 6) + Decimal("0.50") if n % 5 else None,
            ratio=n / 8 if n % 4 else float("nan"),
            title=("ab", "ab ", "abcdef", "B", "", None)[n % 6],
            code=("ab", "ab   ", "abcde", None)[n % 4],
            body=("x", "X", "x%", "it's", "\\", None)[n % 6],
            secret=f"s{n % 3}",
            mood=(Mood.GOOD, Mood.BAD, None)[n % 3],
            token=UUID(int=n % 4),
            day=dt.date(2026, 1, 1) + dt.timedelta(n % 4) if n % 5 else None,
            naive=dt.datetime(2026, 1, 1) + dt.timedelta(hours=n % 4),  # noqa: DTZ001
            moment=dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=n % 4),
            clock=dt.time(n % 4),
            span=dt.timedelta(hours=n % 4),
            done=(True, False, None)[n % 3],
            data={"a": n % 3},
            plain=[n % 3],
            tags=[n % 3, 2**60],
            raw=bytes([n % 3]),
            padded=("ab", "ab ", "c")[n % 3],
        )
        for n in range(60)
    ]
