"""Fill an empty demo database; leave one that has rows as it is."""

import os
import random
from datetime import date, timedelta

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from demo.models import TodoItem, User
from demo.words import title

_NAMES = ("Ada", "Barbara", "Edsger", "Grace", "Niklaus")
_ITEMS = 60


def seed(session: Session) -> int:
    """Add people and things to do; how many things were added."""
    if session.scalar(select(func.count()).select_from(User)):
        return 0
    dice = random.Random(1)
    users = [User(name=name) for name in _NAMES]
    session.add_all(users)
    session.add_all(random_item(dice, dice.choice(users)) for _ in range(_ITEMS))
    session.commit()
    return _ITEMS


def random_item(dice: random.Random, owner: User) -> TodoItem:
    """Something to do, made up."""
    due = date.today() + timedelta(days=dice.randint(0, 20))
    return TodoItem(
        title=title(dice), owner=owner, priority=dice.randint(1, 5), due=due, done=dice.random() < 0.3
    )


if __name__ == "__main__":
    engine = create_engine(os.environ["DATABASE_URL"])
    with Session(engine) as opened:
        print(f"{seed(opened)} to-do items added")
    engine.dispose()
