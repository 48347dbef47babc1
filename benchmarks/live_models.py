"""The table that live queries look at, and the live queries."""

from sqlalchemy import Engine, Index, Select, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import Dispatcher, realtime

#: Rows of a window, and of an owner.
ROWS = 20


class Base(DeclarativeBase):
    pass


@realtime
class Item(Base):
    """Numbered from 1; ``owner_id`` and ``score`` count from 0."""

    __tablename__ = "items"
    __table_args__ = (Index("items_score", "score", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(index=True)
    score: Mapped[int]
    title: Mapped[str]
    n: Mapped[int]


def fill(engine: Engine, rows: int) -> None:
    """Create the table, its triggers and its rows."""
    Base.metadata.create_all(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        values = (
            f"SELECT id, (id - 1) / {ROWS}, id - 1, 'title of ' || id, 0 FROM generate_series(1, :rows) id"
        )
        connection.execute(
            text(f"INSERT INTO items (id, owner_id, score, title, n) {values}"), {"rows": rows}
        )
        connection.execute(text("VACUUM (ANALYZE) items"))


def owned(owner: int) -> Select[tuple[Item]]:
    """The window of one owner; no two have a row in common."""
    return select(Item).where(Item.owner_id == owner).order_by(Item.id).limit(ROWS)


def ranked(low: int) -> Select[tuple[Item]]:
    """A window that shares all rows but one with the next."""
    return select(Item).where(Item.score >= low).order_by(Item.score, Item.id).limit(ROWS)


def single(number: int) -> Select[tuple[Item]]:
    """A window of one row."""
    return select(Item).where(Item.id == number)


def board() -> Select[tuple[Item]]:
    """What everybody looks at."""
    return select(Item).order_by(Item.id).limit(ROWS)


QUERIES = {query.__name__: query for query in (owned, ranked, single, board)}


def register(dispatcher: Dispatcher) -> None:
    """Make them live queries."""
    for query in QUERIES.values():
        dispatcher.query(query)
