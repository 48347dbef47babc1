"""Run by test_fork.py in a process of its own: a dispatcher before and after a fork.

Prints what parent and child saw, one JSON object.
"""

import sys

if sys.argv[1] == "gevent":
    from gevent import monkey

    monkey.patch_all()

import contextlib
import json
import os
import traceback

from sqlalchemy import create_engine, text

from sa_notify.dispatch.embedded import EmbeddedDispatcher
from sa_notify.source.connect import listen_connect
from sa_notify.source.notify import NotifySource
from tests.dispatch.following import Recorder, runtime_of, wait_until
from tests.source.announcing import message

COUNT = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'sa_notify'"
)
ANNOUNCE = text("SELECT pg_notify('sa_notify', :message)")


def sessions(engine):
    with engine.connect() as connection:
        return connection.scalar(COUNT)


def announce(engine, key):
    with engine.begin() as connection:
        connection.execute(ANNOUNCE, {"message": message(key, xid=7)})


def main(colour, url, started):
    engine = create_engine(url)
    recorder = Recorder()
    dispatcher = EmbeddedDispatcher(NotifySource(listen_connect(engine)), recorder, runtime_of(colour))
    seen = {"before": sessions(engine), "child": None}
    if started == "started":
        dispatcher.ensure_started()
        wait_until(lambda: recorder.following, "the parent's epoch")
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        child(engine, dispatcher, recorder, writing)
    os.waitpid(pid, 0)
    os.set_blocking(reading, False)
    with contextlib.suppress(BlockingIOError):
        seen["child"] = json.loads(os.read(reading, 65536))
    dispatcher.ensure_started()
    wait_until(lambda: recorder.following, "the parent's epoch")
    announce(engine, "afterwards")
    wait_until(lambda: "afterwards" in recorder.keys, "the parent's change")
    seen["parent"] = {"epochs": len(recorder.epochs), "losses": recorder.losses, "keys": recorder.keys}
    print(json.dumps(seen))


def child(engine, dispatcher, recorder, writing):
    """Follow with what the parent made; never return."""
    try:
        engine.dispose(close=False)
        inherited = recorder.losses, len(recorder.epochs)
        before = sessions(engine)
        dispatcher.ensure_started()
        wait_until(lambda: len(recorder.epochs) > inherited[1], "the child's epoch")
        announce(engine, "from the child")
        wait_until(lambda: "from the child" in recorder.keys, "the child's change")
        answer = {"before": before, "following": sessions(engine), "keys": recorder.keys}
        dispatcher.stop()
        wait_until(lambda: sessions(engine) == before, "the child's session is gone")
        os.write(writing, json.dumps(answer).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


main(*sys.argv[1:])
