"""Run an application under gunicorn, as users do, for as long as a test lasts."""

import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from demo.process import Child, free_port
from tests.artifacts import artifact

_ROOT = Path(__file__).parents[1]


@contextmanager
def serve(
    app_spec: str,
    *,
    workers: int = 2,
    worker_class: str = "gevent",
    env: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[str]:
    """Serve ``module:app`` and give its base URL; the server ends with the block, or with the test process.

    :param env: set beside the test process's own environment.
    :param options: more of gunicorn's options.
    :raises RuntimeError: when it does not answer; carries the end of its log.
    """
    port = free_port()
    child = Child(
        [*_gunicorn(worker_class, workers, port), *options, app_spec],
        log=artifact(f"serve-{app_spec}-{port}.log"),
        # at once, rather than when open websockets have used up the graceful timeout
        stop_signal=signal.SIGQUIT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        cwd=_ROOT,
    )
    try:
        base_url = f"http://127.0.0.1:{port}"
        child.wait_until(lambda: _answers(base_url))
        yield base_url
    finally:
        child.stop()


def _gunicorn(worker_class: str, workers: int, port: int) -> list[str]:
    # The control socket is one for all gunicorns of a user; open websockets use up the graceful timeout.
    options = ["--no-control-socket", "--graceful-timeout", "3", "--bind", f"127.0.0.1:{port}"]
    return [sys.executable, "-m", "gunicorn", "-k", worker_class, "-w", str(workers), *options]


def _answers(base_url: str) -> bool:
    try:
        urllib.request.urlopen(base_url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True
