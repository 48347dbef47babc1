"""``python -m demo`` as somebody at a terminal uses it."""

import os
import signal
import subprocess
import sys
import threading
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from demo.process import free_port, listening
from demo.rooms import postgres_room, remove
from tests.artifacts import artifact
from tests.demo.processes import marked, wait_for, working_in
from tests.protocol import ProtocolClient, arrived
from tests.servers import quick_room

_ROOT = Path(__file__).parents[2]
_GIVEN = ("DATABASE_URL", "SA_NOTIFY_REDIS_URL", "PORT")


class Demo:
    """One run of the supervisor, with a mark in its environment that all its processes inherit."""

    def __init__(self, home: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.home = home
        self.mark = f"demo-test-{uuid.uuid4().hex}"
        self.port = free_port()
        self.lines: list[str] = []
        clean = {name: value for name, value in os.environ.items() if name not in _GIVEN}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--home", home, "--port", str(self.port), *arguments],
            cwd=_ROOT,
            env={**clean, "DEMO_TEST_MARK": self.mark, "DEMO_PAUSE": "0.05", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def started(self) -> "Demo":
        wait_for(self._says_or_ends, "start of the demo", seconds=60)
        assert self.process.poll() is None, self.output
        return self

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def shows(self, query: str) -> bool:
        """Whether a browser that subscribes is given rows."""
        client = ProtocolClient(f"http://127.0.0.1:{self.port}")
        try:
            window = client.subscribe(query)
            wait_for(lambda: arrived(window), f"the rows of {query}")
            return bool(window.rows)
        finally:
            client.close()

    def scalar(self, sql: str) -> object:
        """The result of SQL in the database that the demo made."""
        pid_file = postgres_room(self.home) / "data" / "postmaster.pid"
        port = int(pid_file.read_text().splitlines()[3])
        url = make_url(f"postgresql+psycopg2://postgres@127.0.0.1:{port}/todo")
        with create_engine(url, poolclass=NullPool).begin() as connection:
            result = connection.execute(text(sql))
            return result.scalar() if result.returns_rows else None

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and give the exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(30)
        self._reader.join(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def left(self) -> set[int]:
        return marked(self.mark) | working_in(postgres_room(self.home))

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def _says_or_ends(self) -> bool:
        return "What to try" in self.output or self.process.poll() is not None


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for the demo's data; its logs are kept when the test is over."""
    made = quick_room("sa-notify-demo-")
    yield made
    for log in made.glob("*.log"):
        artifact(f"demo-{log.name}").write_bytes(log.read_bytes())
    remove(made)


@pytest.fixture
def demos() -> Iterator[list[Demo]]:
    """Runs to be ended with the test, however it ends."""
    running: list[Demo] = []
    yield running
    for demo in running:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.ended()


def test_serves_and_writes_and_stops_on_interrupt(home: Path, demos: list[Demo]) -> None:
    """The pages answer, rows change by themselves, Ctrl-C ends everything, the next start finds the data."""
    demo = Demo(home)
    demos.append(demo)
    demo.started()
    assert "To do" in demo.get("/")
    assert "sa_notify.js" in demo.get("/admin/todoitem/")
    assert demo.shows("open_todos")
    before = demo.scalar("SELECT sum(xmin::text::bigint) FROM todo_items")
    wait_for(lambda: demo.scalar("SELECT sum(xmin::text::bigint) FROM todo_items") != before, "written row")
    demo.scalar("INSERT INTO users (name) VALUES ('Kept')")

    assert demo.signal(signal.SIGINT) == 0
    assert demo.left() == set()
    assert not listening(demo.port)

    again = Demo(home, "--quiet-rows")
    demos.append(again)
    again.started()
    assert "Kept" in again.get("/")
    assert again.signal(signal.SIGTERM) == 0


def test_a_second_interrupt_does_not_interrupt_the_stopping(home: Path, demos: list[Demo]) -> None:
    """Impatience at the keyboard leaves no process behind."""
    demo = Demo(home)
    demos.append(demo)
    demo.started()
    demo.process.send_signal(signal.SIGINT)
    assert demo.signal(signal.SIGINT) == 0
    assert demo.left() == set()


def test_everything_ends_with_a_killed_supervisor(home: Path, demos: list[Demo]) -> None:
    """A kill -9 of the supervisor leaves nothing running, and the next start works."""
    demo = Demo(home)
    demos.append(demo)
    demo.started()
    assert len(demo.left()) > 5
    demo.signal(signal.SIGKILL)
    wait_for(lambda: demo.left() == set(), "end of the demo's processes")

    again = Demo(home)
    demos.append(again)
    again.started()
    assert again.signal(signal.SIGINT) == 0


def test_two_demos_do_not_share_a_folder(home: Path, demos: list[Demo]) -> None:
    """A second demo on the same data says so and ends, and the first goes on."""
    demos.append(Demo(home).started())
    second = Demo(home)
    demos.append(second)

    assert second.ended() == 1
    assert "running already" in second.output
    assert "To do" in demos[0].get("/")


def test_given_servers_are_used(home: Path, demos: list[Demo], database_url: str, redis_url: str) -> None:
    """With URLs in the environment, no server of our own is started."""
    demo = Demo(home, env={"DATABASE_URL": database_url, "SA_NOTIFY_REDIS_URL": redis_url})
    demos.append(demo)
    demo.started()
    assert not postgres_room(home).exists()
    assert not (home / "redis").exists()
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM users"))
    assert demo.signal(signal.SIGINT) == 0


def test_the_demo_stops_when_a_part_of_it_ends(home: Path, demos: list[Demo]) -> None:
    """A part that dies ends the demo with the name of the part and the end of its log."""
    demo = Demo(home)
    demos.append(demo)
    demo.started()
    writer = _running(demo, "demo.writer")
    os.kill(writer, signal.SIGKILL)

    assert demo.ended() == 1
    assert "demo.writer ended" in demo.output
    assert demo.left() == set()


def _running(demo: Demo, module: str) -> int:
    for pid in demo.left():
        words: Sequence[bytes] = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if module.encode() in words:
            return pid
    raise AssertionError(f"{module} does not run")
