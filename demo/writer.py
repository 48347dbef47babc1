"""Changes the demo's rows all the time, from a process that knows nothing of browsers."""

import logging
import os
import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from demo.models import TodoItem, User
from demo.seed import random_item
from demo.words import title

_LEAST, _MOST = 40, 90

logger = logging.getLogger(__name__)
Write = Callable[[Session, random.Random], None]


def _some(session: Session, dice: random.Random) -> Sequence[TodoItem]:
    """One row, more often an urgent one: those are on the page."""
    order = (TodoItem.priority, TodoItem.due) if dice.random() < 0.7 else (TodoItem.id,)
    return session.scalars(select(TodoItem).order_by(*order).offset(dice.randrange(20)).limit(1)).all()


def _tick(session: Session, dice: random.Random) -> None:
    for item in _some(session, dice):
        item.done = not item.done


def _hurry(session: Session, dice: random.Random) -> None:
    for item in _some(session, dice):
        item.priority = dice.randint(1, 5)
        item.due += timedelta(days=dice.choice((-1, 1)))


def _rename(session: Session, dice: random.Random) -> None:
    for item in _some(session, dice):
        item.title = title(dice)


def _add(session: Session, dice: random.Random) -> None:
    if count(session) < _MOST:
        session.add(random_item(dice, dice.choice(session.scalars(select(User)).all())))


def _delete(session: Session, dice: random.Random) -> None:
    if count(session) > _LEAST:
        for item in _some(session, dice):
            session.delete(item)


_WRITES: tuple[Write, ...] = (_tick, _tick, _hurry, _hurry, _rename, _add, _delete)


def count(session: Session) -> int:
    """How many things to do there are."""
    return session.scalar(select(func.count()).select_from(TodoItem)) or 0


def write(session: Session, dice: random.Random) -> None:
    """Make one random change and commit it."""
    dice.choice(_WRITES)(session, dice)
    session.commit()


def main() -> None:
    pause = float(os.environ.get("DEMO_PAUSE", "0.7"))
    engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
    dice = random.Random()
    while True:
        try:
            with Session(engine) as session:
                write(session, dice)
        except DBAPIError:
            logger.exception("a write failed; trying again")
        time.sleep(pause)


if __name__ == "__main__":
    main()
