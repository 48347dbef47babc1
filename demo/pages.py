"""The demo's own page, and the writes that its buttons make."""

from datetime import date, timedelta

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select

from demo.models import TodoItem, User, db

pages = Blueprint("pages", __name__)


@pages.get("/")
def index() -> str:
    """The live page."""
    users = db.session.scalars(select(User).order_by(User.name)).all()
    return render_template("index.html", users=users, owners={user.id: user.name for user in users})


@pages.post("/todos")
def add() -> tuple[str, int]:
    """Add something to do. The page is not told: it hears of it from the database."""
    wanted = request.get_json()
    title = str(wanted.get("title", "")).strip()
    owner = db.session.get(User, wanted.get("owner")) if wanted.get("owner") else None
    if not title or len(title) > 200 or owner is None:
        abort(400, "a to-do needs a title of at most 200 characters and an owner")
    db.session.add(TodoItem(title=title, owner=owner, priority=1, due=date.today() + timedelta(days=1)))
    db.session.commit()
    return "", 204


@pages.post("/todos/<int:todo_id>/done")
def done(todo_id: int) -> tuple[str, int]:
    """Tick something off."""
    db.get_or_404(TodoItem, todo_id).done = True
    db.session.commit()
    return "", 204
