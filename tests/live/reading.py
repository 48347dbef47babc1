"""What a live query would send of a statement."""

from typing import Any

from sqlalchemy.orm import (
    Session,
)

from sa_notify.live.query import Row
from sa_notify.live.shape import Shape, prepare


def rows_of(session: Session, statement: Any, key: list[str] | None = None) -> list[Row]:
    """Its rows, as browsers get them."""
    prepared = prepare(statement)
    return Shape(prepared, key=key).rows(session.execute(prepared))
