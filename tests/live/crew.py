"""Models for statements of every shape: joins, inheritance of both kinds, composite keys, properties."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Enum, ForeignKey, MetaData, Numeric, String, Uuid, func, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column, relationship

from sa_notify import realtime

metadata = MetaData()


class Base(DeclarativeBase):
    metadata = metadata


class Rank(enum.Enum):
    """Not in the order of the alphabet."""

    LOW = 1
    HIGH = 2


@realtime(delivery="outbox")
class Team(Base):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(String(20))
    size: Mapped[int | None]
    above_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))
    above: Mapped["Team | None"] = relationship(remote_side="Team.id")
    people: Mapped[list["Person"]] = relationship(back_populates="team")


@realtime(delivery="outbox", exclude=["secret"])
class Person(Base):
    """Attributes have other names than columns."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column("full name")
    age: Mapped[int | None]
    score: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    active: Mapped[bool | None]
    rank: Mapped[Rank | None] = mapped_column(Enum(Rank, name="rank"))
    secret: Mapped[str | None]
    notes: Mapped[str | None] = mapped_column(deferred=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))
    team: Mapped[Team | None] = relationship(back_populates="people")
    badges: Mapped[list["Badge"]] = relationship(back_populates="person")
    loud = column_property(func.upper(name))

    @hybrid_property
    def double(self) -> Any:
        return self.age * 2


@realtime(delivery="outbox")
class Badge(Base):
    __tablename__ = "badges"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    worth: Mapped[int | None]
    person: Mapped[Person] = relationship(back_populates="badges")


@realtime(delivery="outbox")
class Vehicle(Base):
    """One table for all kinds."""

    __tablename__ = "vehicles"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "any"}  # noqa: RUF012

    id: Mapped[uuid.UUID] = mapped_column(Uuid(), primary_key=True)
    kind: Mapped[str]
    wheels: Mapped[int | None]
    owner_id: Mapped[int | None]


class Car(Vehicle):
    __mapper_args__ = {"polymorphic_identity": "car"}  # noqa: RUF012

    doors: Mapped[int | None]


class Van(Vehicle):
    __mapper_args__ = {"polymorphic_identity": "van"}  # noqa: RUF012


@realtime(delivery="outbox")
class Paper(Base):
    """A table for each kind."""

    __tablename__ = "papers"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "paper"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str | None]


@realtime(delivery="outbox")
class Memo(Paper):
    __tablename__ = "memos"
    __mapper_args__ = {"polymorphic_identity": "memo", "polymorphic_load": "selectin"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("papers.id", ondelete="CASCADE"), primary_key=True)
    urgency: Mapped[int | None]


@realtime(delivery="outbox")
class Counted(Base):
    """Has a property that reads another table."""

    __tablename__ = "counted"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int | None] = mapped_column()
    people = column_property(select(func.count(Person.id)).where(Person.age == n).scalar_subquery())


@realtime(delivery="outbox")
class Meeting(Base):
    """When."""

    __tablename__ = "meetings"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[dt.date | None]
    at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    lasts: Mapped[dt.timedelta | None]
