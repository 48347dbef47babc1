"""``flask sa-notify dispatch``: the dispatcher with an application's own settings, and what it has called."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Table, make_url

from sa_notify.redis.keys import Keys
from tests.protocol import wait_for
from tests.service.conftest import Work
from tests.source.pooler import Pooler

_ROOT = Path(__file__).parents[2]
_APP = """
from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine

from sa_notify import dispatcher, realtime

a = Table("a", MetaData(), Column("id", Integer, primary_key=True), Column("text", Text))
realtime(a)


@dispatcher.on_change(a, missed=lambda: print("missed", flush=True))
def tell(change):
    print(change.op, *change.key, flush=True)


def create_app():
    app = Flask(__name__)
    app.config.update(SA_NOTIFY_REDIS_URL={redis_url!r}, SA_NOTIFY_REDIS_PREFIX={prefix!r})
    app.config.update(SA_NOTIFY_LISTEN_URL={database_url!r})
    # through a pooler of transactions
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=create_engine({pooled_url!r}))
    return app
"""


def test_it_needs_no_option(
    database_url: str, redis_url: str, keys: Keys, client: Any, tables: dict[str, Table],
    led: Callable[..., Any], work: Work, write: Callable[..., None], tmp_path: Path,
) -> None:  # fmt: skip
    """URL and names of Redis, where to LISTEN and what to call are the application's."""
    given = {"redis_url": redis_url, "prefix": keys.prefix, "database_url": database_url}
    with Pooler(make_url(database_url), transaction=True) as pooler, (tmp_path / "log").open("wb") as log:
        (tmp_path / "shop.py").write_text(_APP.format(**given, pooled_url=pooler.listen_url))
        child = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "shop.py", "sa-notify", "dispatch"],
            cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )  # fmt: skip
        try:
            assert led()["pid"] == child.pid
            worker, said = work("a"), tmp_path / "log"
            wait_for(lambda: "missed" in said.read_text(), "the first epoch")
            write("a", 7)
            worker.hears("a", 7)
            wait_for(lambda: "insert 7" in said.read_text(), "the call")
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(30) == 0
