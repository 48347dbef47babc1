"""The demo's live queries: any ``select()``, called by name from the browser."""

from typing import Any

from sqlalchemy import Select, func, select

from demo.models import TodoItem, User
from sa_notify import dispatcher


@dispatcher.query(total=True)
def open_todos(owner: int | None = None) -> Select[Any]:
    """The most urgent things to do, of one person or of all."""
    urgent = select(TodoItem).where(~TodoItem.done)
    if owner is not None:
        urgent = urgent.where(TodoItem.owner_id == owner)
    return urgent.order_by(TodoItem.priority, TodoItem.due, TodoItem.id).limit(12)


@dispatcher.query(key=["id"])
def workload() -> Any:
    """How much everybody has to do, and has done."""
    open_ = func.count(TodoItem.id).filter(~TodoItem.done).label("open")
    done = func.count(TodoItem.id).filter(TodoItem.done).label("done")
    joined = select(User.id, User.name, open_, done).join(TodoItem, isouter=True)
    return joined.group_by(User.id).order_by(open_.desc(), User.name)
