"""A partitioned table beside the items application's own."""

from typing import Any

from sqlalchemy import Engine, Select, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import realtime
from tests.apps.items import query


class Parted(DeclarativeBase):
    pass


@realtime
class Measure(Parted):
    __tablename__ = "measures"
    __table_args__ = ({"postgresql_partition_by": "RANGE (id)"},)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int]


@query
def measures() -> Select[Any]:
    return select(Measure).order_by(Measure.id)


def create(engine: Engine) -> None:
    """The table with one partition, and ten rows."""
    Parted.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE measures_1 PARTITION OF measures FOR VALUES FROM (0) TO (1000)")
        )
        connection.execute(text("INSERT INTO measures SELECT n, n FROM generate_series(1, 10) n"))
    # the partition has triggers of its own from now on
    Parted.metadata.create_all(engine)


def expected_measures(engine: Engine) -> list[tuple[str, dict[str, Any]]]:
    """What :func:`measures` has to show."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id, value FROM measures ORDER BY id"))
        return [(str(row.id), {"id": row.id, "value": row.value}) for row in found]
