"""The demo's application factory."""

import os

from flask import Flask
from flask_socketio import SocketIO

import demo.queries  # noqa: F401  registers the live queries
from demo.admin import init_admin
from demo.models import db
from demo.pages import pages
from sa_notify import dispatcher


def create_app() -> Flask:
    """Flask with Flask-SQLAlchemy, Flask-SocketIO, Flask-Admin and sa_notify.

    DATABASE_URL names the database; SECRET_KEY signs sessions and the admin's subscriptions, and is
    the same in every worker.
    """
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    app.config["SECRET_KEY"] = os.environ.get("SECRET_KEY", "for this demo only")
    db.init_app(app)
    # Websockets only: polling needs sticky sessions as soon as there are two workers.
    socketio = SocketIO(app, async_mode="gevent", transports=["websocket"])
    dispatcher.init_app(app, socketio, engine=db)
    init_admin(app)
    app.register_blueprint(pages)
    return app
