"""Two tables of the same shape: one realtime, one with the least trigger that could tell of a change."""

from sqlalchemy import DDL, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import realtime


class Base(DeclarativeBase):
    pass


@realtime
class Ours(Base):
    __tablename__ = "ours"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class Floor(Base):
    __tablename__ = "floor"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


_FUNCTION = """
CREATE FUNCTION floor_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('floor', NEW.id::text); RETURN NULL; END $$
"""
_TRIGGER = "CREATE TRIGGER floor AFTER UPDATE ON floor FOR EACH ROW EXECUTE FUNCTION floor_notify()"

for statement in (_FUNCTION, _TRIGGER):
    event.listen(Floor.__table__, "after_create", DDL(statement))
