"""The least that could tell a browser of one row by hand: LISTEN, SELECT by key, emit."""

import gevent
import psycopg2
from flask import Flask
from flask_socketio import SocketIO, join_room
from gevent.socket import wait_read


def serve_floor(app: Flask, socketio: SocketIO, url: str) -> None:
    """Emit each change of ``floor`` to those who connect to the namespace of that name.

    No window, no diff, nothing that survives a reconnection.
    """

    @socketio.on("connect", namespace="/floor")
    def connect() -> None:
        join_room("floor")
        if not hasattr(app, "floor"):
            app.floor = gevent.spawn(_follow, socketio, url.replace("+psycopg2", ""))


def _follow(socketio: SocketIO, url: str) -> None:
    listener, reader = (psycopg2.connect(url) for _ in range(2))
    listener.autocommit = reader.autocommit = True
    listener.cursor().execute("LISTEN floor")
    while True:
        wait_read(listener.fileno())
        listener.poll()
        while listener.notifies:
            cursor = reader.cursor()
            cursor.execute("SELECT id, title FROM floor WHERE id = %s", (listener.notifies.pop(0).payload,))
            socketio.emit("row", cursor.fetchone(), to="floor", namespace="/floor")
