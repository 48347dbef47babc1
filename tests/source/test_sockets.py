"""A connection's socket can be cut and closed from any thread."""

import socket
import subprocess
import sys
from pathlib import Path

from sa_notify.source.sockets import SocketHandle

_ROOT = Path(__file__).parents[2]
_ACROSS_THREADS = """
from gevent import monkey
monkey.patch_all()
import socket
from gevent.threadpool import ThreadPool
from sa_notify.source.sockets import SocketHandle

ours, theirs = socket.socketpair()
pool = ThreadPool(1)
handle = pool.spawn(SocketHandle, ours.fileno()).get()
pool.kill()
handle.cut()
assert b"" == theirs.recv(1)
handle.close()
"""


def test_keeps_tcp_alive() -> None:
    """The kernel is told to notice a dead peer within seconds, on the connection's own socket."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as ours,
    ):
        handle = SocketHandle(ours.fileno())
        handle.keep_alive()
        handle.close()

        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


def test_other_sockets_need_no_such_thing() -> None:
    """A unix socket is left as it is, and can be cut all the same; cutting twice is harmless."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        handle = SocketHandle(ours.fileno())
        handle.keep_alive()
        handle.cut()
        handle.cut()
        handle.close()

        assert theirs.recv(1) == b""


def test_belongs_to_no_thread_under_gevent() -> None:
    """Made in a native thread that has ended, it is cut and closed by another."""
    command = [sys.executable, "-W", "ignore", "-c", _ACROSS_THREADS]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
