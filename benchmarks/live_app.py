"""What is served where sockets are measured: live queries, the floor, a room that is emitted to by hand."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os
import time
from typing import Any

from flask import Flask, jsonify, request
from flask_socketio import SocketIO, join_room
from sqlalchemy import create_engine

from benchmarks.floor import serve_floor
from benchmarks.live_crowd import ROOM
from benchmarks.live_models import register
from benchmarks.live_stage import NEVER
from sa_notify import dispatcher

app = Flask(__name__)
app.config.update(SECRET_KEY="benchmark", SA_NOTIFY_PROOF_SECONDS=NEVER)
socketio = SocketIO(app, async_mode="gevent")
url = os.environ["DATABASE_URL"]
dispatcher.init_app(app, socketio, engine=create_engine(url))
register(dispatcher)
serve_floor(app, socketio, url)


@app.get("/cpu")
def cpu() -> Any:
    """Seconds of CPU that this worker has used."""
    return jsonify(time.process_time())


@app.post("/room")
def emit() -> Any:
    """Emit what is posted to everybody in the room; the moment before, on the machine's monotonic clock."""
    body, began = request.get_json(), time.monotonic()
    socketio.emit("diff", body, to="room", namespace=ROOM)
    return jsonify(began)


@socketio.on("connect", namespace=ROOM)
def join() -> None:
    join_room("room")
