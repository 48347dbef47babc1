"""An application of several tenants, each with documents and users of its own, who log in by Flask-Login."""

import logging
import os
from typing import Any

from flask import Flask, abort, request
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_socketio import SocketIO
from sqlalchemy import Engine, Enum, Integer, Select, cast, create_engine, select, type_coerce
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_notify import Dispatcher, realtime


class Base(DeclarativeBase):
    pass


@realtime(exclude=["secret"])
class Document(Base):
    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    secret: Mapped[str]


class User(UserMixin, Base):  # type: ignore[misc,unused-ignore]
    """Whose right to look may be taken away."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    admitted: Mapped[bool] = mapped_column(default=True)


dispatcher = Dispatcher()
query = dispatcher.query


@query(total=True)
def mine(search: str = "", limit: int = 20) -> Select[Any]:
    if not (current_user.is_authenticated and current_user.admitted):
        abort(403)
    statement = select(Document).where(Document.tenant == current_user.tenant)
    if search:
        statement = statement.where(Document.body.contains(search))
    return statement.order_by(Document.title, Document.id).limit(limit)


@query
def titles() -> Select[Any]:
    """No column but one is shown."""
    if not current_user.is_authenticated:
        abort(403)
    return (
        select(Document.id, Document.title)
        .where(Document.tenant == current_user.tenant)
        .order_by(Document.id)
    )


@query
def cast_by_the_database() -> Select[Any]:
    """Its error message holds what a row holds."""
    return select(cast(Document.body, Integer).label("n"))


@query
def cast_by_the_driver() -> Select[Any]:
    """Python's error message does."""
    return select(type_coerce(Document.body, Enum("nothing", name="kind")).label("kind"))


@query
def cast_by_the_function(search: str) -> Select[Any]:
    """Python's error message holds the parameter."""
    return select(Document.id).where(Document.id == int(search))


def create_app(engine: Engine | None = None, async_mode: str | None = None) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="tenants", SA_NOTIFY_RECHECK_SECONDS=3600)
    app.config.from_prefixed_env("SA_NOTIFY_TEST_APP")
    if os.environ.get("LOG_EVERYTHING"):
        logging.basicConfig(level=logging.DEBUG)
        logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
    engine = engine or create_engine(os.environ["DATABASE_URL"])
    socketio = SocketIO(app, async_mode=async_mode or "gevent")
    dispatcher.init_app(app, socketio, engine=engine)
    manager = LoginManager(app)

    @manager.user_loader
    def load(user_id: str) -> User | None:
        with Session(engine) as session:
            return session.get(User, user_id)

    @app.post("/login/<user_id>")
    def login(user_id: str) -> str:
        login_user(load(user_id))
        return "in"

    @app.post("/logout")
    def logout() -> str:
        logout_user()
        return "out"

    @app.post("/revoke")
    def revoke() -> str:
        dispatcher.revoke(user=request.args["user"], disconnect="disconnect" in request.args)
        return "revoked"

    return app
