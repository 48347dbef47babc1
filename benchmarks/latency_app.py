"""What the latency benchmark serves: a live query, and the least that could do a similar job by hand."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os

from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import create_engine, select

from benchmarks.floor import serve_floor
from benchmarks.latency_models import Ours
from sa_notify import dispatcher

app = Flask(__name__)
app.config["SECRET_KEY"] = "benchmark"
socketio = SocketIO(app, async_mode="gevent")
url = os.environ["DATABASE_URL"]
dispatcher.init_app(app, socketio, engine=create_engine(url))
serve_floor(app, socketio, url)


@dispatcher.query
def ours(limit: int) -> object:
    return select(Ours).order_by(Ours.id).limit(limit)
