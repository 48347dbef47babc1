"""Native threads under gevent, in a process that it has patched."""

import subprocess
import sys

_THREADS = """
from gevent import monkey
monkey.patch_all()
import os, time
from sa_notify.source.native import NativeThread

def threads(target):
    for _ in range(20):
        thread = NativeThread(target)
        thread.start()
        assert thread.join(10)
    return len(os.listdir("/proc/self/fd" if os.path.exists("/proc/self/fd") else "/dev/fd"))

assert threads(lambda: time.sleep(0.001)) == threads(lambda: time.sleep(0.001)) == threads(lambda: None)
"""


def test_an_ended_thread_leaves_no_descriptor() -> None:
    """Also when it has waited by gevent, as psycopg2 does under psycogreen: each reconnection ends two."""
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
