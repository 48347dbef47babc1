"""An application that the protocol tests serve: one model, queries of many shapes."""

import json
import os
from decimal import Decimal
from typing import Any

from flask import Flask, abort, request
from flask_socketio import SocketIO
from sqlalchemy import Engine, ForeignKey, Select, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sa_notify import Dispatcher, realtime
from sa_notify.web import runner


class Base(DeclarativeBase):
    pass


@realtime
class Owner(Base):
    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@realtime(exclude=["secret"])
class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))
    title: Mapped[str]
    priority: Mapped[int]
    done: Mapped[bool] = mapped_column(default=False)
    price: Mapped[Decimal | None]
    secret: Mapped[str] = mapped_column(default="hidden")


class Unheard(Base):
    """Not realtime: read by the clock."""

    __tablename__ = "unheard"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


dispatcher = Dispatcher()
query = dispatcher.query


@query(total=True)
def page(
    owner: int | None = None, done: bool | None = None, limit: int = 10, offset: int = 0, sort: str = "id"
) -> Select[Any]:
    statement = select(Item)
    if owner is not None:
        statement = statement.where(Item.owner_id == owner)
    if done is not None:
        statement = statement.where(Item.done == done)
    order = {"id": Item.id, "priority": Item.priority.desc(), "title": Item.title}[sort]
    return statement.order_by(order, Item.id).limit(limit).offset(offset)


@query
def joined(name: str) -> Select[Any]:
    return (
        select(Item.id, Item.title, Owner.name.label("owner"))
        .join(Owner)
        .where(Owner.name == name)
        .order_by(Item.id)
    )


@query
def owners() -> Select[Any]:
    return select(Owner).order_by(Owner.id)


@query(key=["owner_id"])
def counts() -> Select[Any]:
    return select(Item.owner_id, func.count().label("n")).group_by(Item.owner_id).order_by(Item.owner_id)


@query
def mine() -> Select[Any]:
    user = request.cookies.get("user")
    if user is None:
        abort(403)
    if user == "nobody":
        raise PermissionError
    return select(Item).where(Item.owner_id == int(user)).order_by(Item.id)


@query(token_only=True)
def sealed(owner: int) -> Select[Any]:
    return page(owner)


@query
def slow(seconds: float, n: int = 0) -> Select[Any]:
    return select(func.pg_sleep(seconds).label("slept"), Item.id.label("n")).where(Item.id == n)


@query
def unheard() -> Select[Any]:
    return select(Unheard).order_by(Unheard.id)


@query
def broken() -> Select[Any]:
    return select((Item.id / (Item.id - Item.id)).label("boom"))


@query
def raising() -> Select[Any]:
    raise RuntimeError("a bug of the application")


def create_app(engine: Engine | None = None, async_mode: str | None = None) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY="test", SA_NOTIFY_RECHECK_SECONDS=1)
    app.config.from_prefixed_env("SA_NOTIFY_TEST_APP")
    runner.PATIENCE_SECONDS = float(os.environ.get("PATIENCE", runner.PATIENCE_SECONDS))
    options = json.loads(os.environ.get("SOCKETIO_OPTIONS", "{}"))
    socketio = SocketIO(app, async_mode=async_mode or os.environ.get("ASYNC_MODE", "gevent"), **options)
    engine = engine or create_engine(os.environ["DATABASE_URL"])
    dispatcher.init_app(app, socketio, engine=engine)

    @app.get("/token/<int:owner>")
    def token(owner: int) -> str:
        return dispatcher.token("sealed", owner=owner)

    @app.get("/pid")
    def pid() -> str:
        return str(os.getpid())

    return app
