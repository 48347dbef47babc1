"""Three ways to show one list to a crowd: a live query, emits from the request that writes, polling."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os
import time
from typing import Any

from flask import Flask, jsonify, request
from flask_socketio import SocketIO, join_room
from prometheus_client import REGISTRY
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session

from benchmarks.latency_models import Ours
from sa_notify import dispatcher

app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = SocketIO(app, async_mode="gevent")
engine = create_engine(os.environ["DATABASE_URL"], pool_size=20, max_overflow=0)
dispatcher.init_app(app, socketio, engine=engine)


def _rows() -> list[dict[str, Any]]:
    with Session(engine) as session:
        rows = session.execute(select(Ours.id, Ours.title).order_by(Ours.id).limit(20))
        return [{"id": id_, "title": title} for id_, title in rows]


@dispatcher.query
def board() -> object:
    return select(Ours).order_by(Ours.id).limit(20)


@dispatcher.query
def page(offset: int) -> object:
    return select(Ours).order_by(Ours.id).limit(20).offset(offset)


@app.get("/pid")
def pid() -> str:
    return str(os.getpid())


@app.get("/reads")
def reads() -> Any:
    """By this process: its id, and how often it has read live queries."""
    found = REGISTRY.get_sample_value("sa_notify_reads_total", {"query": "page", "outcome": "done"})
    return jsonify([os.getpid(), found or 0])


@app.get("/items")
def items() -> Any:
    return jsonify(_rows())


@app.post("/write/<mark>")
def write(mark: str) -> Any:
    """Change one row; the moment before the commit, on the machine's monotonic clock."""
    with engine.connect() as connection:
        connection.execute(update(Ours).where(Ours.id == 1).values(title=mark))
        began = time.monotonic()
        connection.commit()
    if request.args.get("emit"):
        socketio.emit("rows", _rows(), to="plain", namespace="/plain")
    return jsonify(began)


@socketio.on("connect", namespace="/plain")
def _connect() -> None:
    join_room("plain")
