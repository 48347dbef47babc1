"""What the items application's ``page`` has to show."""

import random
from typing import Any

from sqlalchemy import Engine, insert, select, text

from tests.apps.items import Base, Item, Owner, Unheard

OWNERS = 4


def _item(row: Any) -> dict[str, Any]:
    price = None if row.price is None else str(row.price)
    plain = {name: getattr(row, name) for name in ("id", "owner_id", "title", "priority", "done")}
    return {**plain, "price": price}


def stock(engine: Engine) -> None:
    """Put the rows that every test begins with into the application's tables, in place of all others."""
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
        connection.execute(insert(Owner), [{"id": n, "name": f"owner {n}"} for n in range(OWNERS)])
        rows = [{"owner_id": n % OWNERS, "title": f"item {n}", "priority": n % 7} for n in range(40)]
        connection.execute(insert(Item), rows)
        connection.execute(insert(Unheard), [{"n": 1}])


def expected_page(engine: Engine, **params: Any) -> list[tuple[str, dict[str, Any]]]:
    """What the ``page`` query's SELECT gives, written out by hand."""
    order = {"id": Item.id, "priority": Item.priority.desc(), "title": Item.title}[params.get("sort", "id")]
    statement = select(Item.__table__).order_by(order, Item.id)
    statement = statement.limit(params.get("limit", 10)).offset(params.get("offset", 0))
    for name, column in (("owner", Item.owner_id), ("done", Item.done)):
        if params.get(name) is not None:
            statement = statement.where(column == params[name])
    with engine.connect() as connection:
        return [(str(row.id), _item(row)) for row in connection.execute(statement)]


def random_pages(dice: random.Random, count: int) -> list[dict[str, Any]]:
    """Parameters for ``page``."""
    return [
        {
            "owner": dice.choice([None, *range(OWNERS)]),
            "done": dice.choice([None, True, False]),
            "limit": dice.choice([3, 10, 100]),
            "offset": dice.choice([0, 0, 5]),
            "sort": dice.choice(["id", "priority", "title"]),
        }
        for _ in range(count)
    ]
