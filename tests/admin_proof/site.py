"""The application: every generated view, in two admins, also under a prefix."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_socketio import SocketIO

from sa_notify import Dispatcher
from tests.admin_proof.models import db
from tests.admin_proof.views import Case, cases

PREFIX = "/shop"


def make_app(url: str, archive: str, seed: int, chosen: Sequence[str], *, async_mode: str = "threading") -> Flask:
    """The application with the views of a seed.

    :param archive: URL of the second database.
    :param chosen: the views' features.
    """
    app = Flask(__name__, template_folder=str(Path(__file__).parent / "templates"))
    app.config.update(
        SECRET_KEY="s",
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_BINDS={"archive": archive},
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 20},
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        TESTING=True,
    )
    db.init_app(app)
    socketio = SocketIO(app, async_mode=async_mode, transports=["websocket"])
    Dispatcher().init_app(app, socketio, engine=db)
    admins = (
        Admin(app, name="One"),
        Admin(app, name="Two", url="/deep/two", endpoint="two", theme=Bootstrap4Theme(swatch="darkly")),
    )
    for case in cases(seed, chosen):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Flask-Admin's own, of odd columns
            admins[case.number % 2].add_view(case.view(case.model, db, endpoint=case.endpoint, name=case.endpoint))
    return app


def path_of(case: Case) -> str:
    """Where the server of ``wsgi`` has the view; every third is under the prefix."""
    admin = "/deep/two" if case.number % 2 else "/admin"
    return f"{PREFIX if case.number % 3 == 2 else ''}{admin}/{case.endpoint}/"
