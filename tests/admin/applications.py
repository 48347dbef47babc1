"""What the applications of this room have in common."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, g, request
from flask_admin import Admin
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase

from sa_notify import Dispatcher
from sa_notify.admin import RealtimeModelView

Views = Mapping[str, tuple[type[RealtimeModelView], type[DeclarativeBase]]]


def build(
    url: str, db: SQLAlchemy, name: str, views: Views, *,
    dispatcher_first: bool = True, async_mode: str = "threading", create: bool = True,
) -> Flask:  # fmt: skip
    """An application whose admin has these views; a visitor with the cookie ``banned=1`` is refused.

    :param create: its tables too.
    """
    app = Flask(__name__)
    app.config.update(SECRET_KEY="s", SQLALCHEMY_DATABASE_URI=url, TESTING=True)
    db.init_app(app)
    socketio = SocketIO(app, async_mode=async_mode, transports=["websocket"])
    if dispatcher_first:
        Dispatcher().init_app(app, socketio, engine=db)
    admin = Admin(app, name=name, csp_nonce_generator=lambda: "n0nce")
    for endpoint, (view, model) in views.items():
        admin.add_view(view(model, db, endpoint=endpoint, name=endpoint.title()))
    if not dispatcher_first:
        Dispatcher().init_app(app, socketio, engine=db)
    app.before_request(_admit)
    if create:
        with app.app_context():
            db.create_all()
    return app


def execute(app: Flask, sql: str, **values: Any) -> None:
    """Plain SQL on a connection of its own, committed."""
    with app.app_context(), app.extensions["sqlalchemy"].engine.begin() as connection:
        connection.execute(text(sql), values)


def dispose(app: Flask) -> None:
    """Close what is pooled."""
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


def _admit() -> Any:
    g.admitted = request.cookies.get("banned") != "1"
    return None if g.admitted else ("no", 403)
