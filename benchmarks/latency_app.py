"""What the latency benchmark serves: a live query, and the least that could do a similar job by hand."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os

import gevent
import psycopg2
from flask import Flask
from flask_socketio import SocketIO, join_room
from gevent.socket import wait_read
from sqlalchemy import create_engine, select

from benchmarks.latency_models import Ours
from sa_notify import dispatcher

app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = SocketIO(app, async_mode="gevent")
url = os.environ["DATABASE_URL"]
dispatcher.init_app(app, socketio, engine=create_engine(url))


@dispatcher.query
def ours(limit: int) -> object:
    return select(Ours).order_by(Ours.id).limit(limit)


def _floor() -> None:
    """Raw LISTEN, SELECT by key, emit to a room: no window, no diff, nothing that survives a reconnection."""
    listener, reader = (psycopg2.connect(url.replace("+psycopg2", "")) for _ in range(2))
    listener.autocommit = reader.autocommit = True
    listener.cursor().execute("LISTEN floor")
    while True:
        wait_read(listener.fileno())
        listener.poll()
        while listener.notifies:
            cursor = reader.cursor()
            cursor.execute("SELECT id, title FROM floor WHERE id = %s", (listener.notifies.pop(0).payload,))
            socketio.emit("row", cursor.fetchone(), to="floor", namespace="/floor")


@socketio.on("connect", namespace="/floor")
def _connect() -> None:
    join_room("floor")
    if not hasattr(app, "floor"):
        app.floor = gevent.spawn(_floor)
