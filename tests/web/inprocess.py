"""Clients of an application that runs in the test's own process, with threads."""

from typing import Any

from flask import Flask
from flask_socketio import SocketIOTestClient


def client(app: Flask, cookie: str | None = None) -> SocketIOTestClient:
    socketio = app.extensions["socketio"]
    headers = {"Cookie": cookie} if cookie else {}
    return socketio.test_client(app, namespace="/realtime", headers=headers)


def ask(client: SocketIOTestClient, event: str, **data: Any) -> Any:
    return client.emit(event, data, namespace="/realtime", callback=True)


def take(client: SocketIOTestClient, seen: list[Any], name: str) -> list[Any]:
    """Every event of this name so far."""
    seen += client.get_received("/realtime")
    return [event["args"][0] for event in seen if event["name"] == name]


def running(app: Flask) -> Any:
    return app.extensions["sa_notify"]._running
