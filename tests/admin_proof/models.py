"""Tables with columns of every type that Flask-Admin lists, filters and edits."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ColumnElement, Date, DateTime, Enum, ForeignKey, Numeric, Time, Uuid, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    object_session,
    relationship,
)
from sqlalchemy.types import String

from sa_notify import realtime
from tests.admin_proof.texts import MARKS


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class Kind(enum.Enum):
    NOVEL = "novel"
    ESSAY = "essay"
    VERSE = "verse"


@realtime
class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    country: Mapped[str | None]
    born: Mapped[dt.date | None] = mapped_column(Date)
    rating: Mapped[float | None]

    def __str__(self) -> str:
        return self.name


@realtime
class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]

    def __str__(self) -> str:
        return self.label


@realtime
class BookTag(Base):
    __tablename__ = "book_tag"
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True)


@realtime
class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    form: Mapped[str] = mapped_column(server_default="book")
    title: Mapped[str]
    note: Mapped[str | None]
    pages: Mapped[int | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    weight: Mapped[float | None]
    kind: Mapped[Kind | None] = mapped_column(Enum(Kind))
    genre: Mapped[str]
    done: Mapped[bool | None]
    published: Mapped[dt.date | None] = mapped_column(Date)
    made: Mapped[dt.datetime | None] = mapped_column(DateTime)
    opens: Mapped[dt.time | None] = mapped_column(Time)
    code: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    mark: Mapped[str | None] = mapped_column(Enum(*MARKS, name="mark"))
    meta: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    labels: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id", ondelete="SET NULL"))
    editor_id: Mapped[int | None] = mapped_column(ForeignKey("author.id", ondelete="SET NULL"))
    author: Mapped[Author | None] = relationship(foreign_keys=author_id)
    editor: Mapped[Author | None] = relationship(foreign_keys=editor_id)
    tags: Mapped[list[Tag]] = relationship(secondary=BookTag.__table__, order_by=Tag.id)

    __mapper_args__ = {"polymorphic_on": "form", "polymorphic_identity": "book"}  # noqa: RUF012

    @hybrid_property
    def heading(self) -> str:
        """Computed from the row."""
        return f"{self.title} #{self.id}"

    @heading.inplace.expression
    @classmethod
    def _heading(cls) -> ColumnElement[str]:
        return func.concat(cls.title, " #", cls.id)

    @hybrid_property
    def writer(self) -> str | None:
        """Computed from another table."""
        session = object_session(self)
        return session.scalar(select(Author.name).where(Author.id == self.author_id)) if session else None

    @writer.inplace.expression
    @classmethod
    def _writer(cls) -> ColumnElement[str | None]:
        return select(Author.name).where(Author.id == cls.author_id).correlate_except(Author).scalar_subquery()

    def __str__(self) -> str:
        return self.title


Book.tag_count = column_property(
    select(func.count()).where(BookTag.book_id == Book.id).correlate_except(BookTag).scalar_subquery()
)


@realtime
class Ebook(Book):
    """A table of its own, joined."""

    __tablename__ = "ebook"
    id: Mapped[int] = mapped_column(ForeignKey("book.id", ondelete="CASCADE"), primary_key=True)
    size: Mapped[int | None]

    __mapper_args__ = {"polymorphic_identity": "ebook"}  # noqa: RUF012


@realtime
class Seat(Base):
    """A composite key, with separators in its texts."""

    __tablename__ = "seat"
    row: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    taken: Mapped[bool]
    note: Mapped[str | None]
    book_id: Mapped[int | None] = mapped_column(ForeignKey("book.id", ondelete="SET NULL"))
    book: Mapped[Book | None] = relationship()


@realtime
class Rate(Base):
    """Read by SQL written as text alone."""

    __tablename__ = "rate"
    id: Mapped[int] = mapped_column(primary_key=True)
    factor: Mapped[int]


class Silent(Base):
    """Without triggers."""

    __tablename__ = "silent"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]


@realtime
class Letter(db.Model):  # type: ignore[name-defined,misc]
    """In a second database, under a name that the first one has too."""

    __bind_key__ = "archive"
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
