"""``sa-notify status``, ``clients``, ``tail`` and ``dispatch`` as their users see them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from sa_notify.change import Change
from sa_notify.cli import tail
from sa_notify.cli.main import main
from sa_notify.redis.keys import Keys
from sa_notify.redis.traffic import slice_of
from tests.protocol import wait_for
from tests.service.conftest import StartProcess, Work
from tests.service.dispatchers import InThread
from tests.source.pooler import Pooler

Command = Callable[..., Result]
Write = Callable[..., None]

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(database_url: str, redis_url: str, keys: Keys) -> dict[str, str]:
    """What tells the commands where they work."""
    return {
        "SA_NOTIFY_DATABASE_URL": database_url,
        "SA_NOTIFY_REDIS_URL": redis_url,
        "SA_NOTIFY_REDIS_PREFIX": keys.base.strip("{}:"),
    }


@pytest.fixture
def command(environment: dict[str, str]) -> Command:
    """Runs a command in this process."""

    def run(*arguments: str, **other: str) -> Result:
        return CliRunner(env={**environment, **other}).invoke(main, arguments)

    return run


@contextmanager
def _tail(environment: dict[str, str], output: Path, *arguments: str) -> Iterator[None]:
    """``sa-notify tail`` in a process; what it prints goes there."""
    code = "from sa_notify.cli.main import main; main(prog_name='sa-notify')"
    with output.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-u", "-c", code, "tail", *arguments],
            cwd=_ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, "PYTHONPATH": str(_ROOT)},
        )
        try:
            wait_for(lambda: "following" in output.read_text("utf-8"), "the tail to follow")
            yield
        finally:
            child.send_signal(signal.SIGINT)
            assert child.wait(20) == 0


def test_status_without_a_dispatcher(engine: Engine, client: Any, command: Command) -> None:
    """It says so, with a status for scripts."""
    told = command("status")
    assert told.exit_code == 1
    assert "No dispatcher leads." in told.output


def test_status_of_a_dispatcher_and_its_workers(leading: InThread, work: Work, command: Command) -> None:
    """Who leads, in which epoch, how full the queue is, and a line for each worker."""
    about = {"host": "web-1", "pid": 41, "clients": 3, "queries": 2, "since": time.time() - 100}
    about |= {"database_used": 0.456, "database_budget": 2.0}
    work("a", info=lambda: about)
    told = command("status")
    assert told.exit_code == 0, told.output
    assert f"{os.getpid()}, term 1" in told.output
    assert " s behind" in told.output
    assert "NOTIFY queue  0.0% full" in told.output
    (line,) = [line for line in told.output.splitlines() if line.startswith("web-1:41")]
    assert line.split()[1:3] == ["3", "2"] and line.endswith("1 min")
    assert "0.46 of 2 s/s" in line

    found = json.loads(command("status", "--json").output)
    assert found["leader"]["term"] == 1
    assert found["leader"]["epoch"]
    assert [worker["host"] for worker in found["workers"].values()] == ["web-1"]


def test_triggers_tell_the_traffic_of_the_last_hour(
    leading: InThread, work: Work, write: Write, client: Any, keys: Keys, command: Command
) -> None:
    """As the dispatcher has counted it; older slices don't count, and without Redis nothing is said of it."""
    client.hset(keys.traffic(slice_of(time.time() - 2 * 3_600)), "public.a", 1_000)
    client.hset(keys.traffic(slice_of(time.time() - 1_800)), "public.a", 1_000)
    work("a")
    write("a", 1, 2, 3)

    def rows() -> dict[str, list[str]]:
        lines = command("triggers").output.splitlines()
        assert lines[0].split() == ["TABLE", "STATE", "LAST", "HOUR", "OPTIONS"]
        return {line.split()[0]: line.split()[1:3] for line in lines[1:]}

    wait_for(lambda: rows()["public.a"] == ["live", "1,003"], "the changes to be counted")
    assert rows()["public.b"] == ["live", "0"]
    told = json.loads(command("triggers", "--json").output)
    assert {entry["table"]: entry["last_hour"] for entry in told} == {"public.a": 1_003, "public.b": 0}
    assert "LAST HOUR" not in command("triggers", SA_NOTIFY_REDIS_URL="").output
    away = command("triggers", SA_NOTIFY_REDIS_URL="redis://127.0.0.1:1")
    assert away.exit_code == 0 and "last hour is not known: Redis" in away.output


def test_clients_are_listed_until_they_leave(leading: InThread, work: Work, command: Command) -> None:
    """Worker, user, since when, and the queries."""
    about = {"host": "web-1", "pid": 41, "clients": 2, "queries": 2, "since": time.time()}
    worker = work("a", info=lambda: about)
    worker.source.present(
        {
            "sid-1": {"user": "ann", "since": time.time() - 7300, "queries": ["items", "page"]},
            "sid-2": {"user": None, "since": time.time(), "queries": []},
        }
    )
    wait_for(lambda: "sid-2" in command("clients", "--json").output, "the clients to be known")
    lines = [line.split() for line in command("clients").output.splitlines()]
    assert lines[0] == ["WORKER", "USER", "SINCE", "QUERIES"]
    assert lines[1] == ["web-1:41", "ann", "2", "h", "items", "page"]
    assert lines[2][:2] == ["web-1:41", "-"]

    worker.source.present({"sid-1": None})
    wait_for(lambda: "ann" not in command("clients").output, "one to be gone")
    worker.source.close()
    wait_for(lambda: len(command("clients").output.splitlines()) == 1, "all to be gone")


def test_tail_shows_changes_as_they_commit(
    environment: dict[str, str], engine: Engine, tables: Any, write: Write, tmp_path: Path
) -> None:
    """Readable by people: what happened to which row, old and new values; of the named tables alone."""
    output = tmp_path / "tail.txt"
    with _tail(environment, output, "public.a"):
        write("b", 1)
        write("a", 7)
        with engine.begin() as connection:
            connection.execute(text("UPDATE a SET text = 'ändert' WHERE id = 7"))
            connection.execute(text("DELETE FROM a WHERE id = 7"))
        wait_for(lambda: "delete" in output.read_text("utf-8"), "the last change")
    lines = [line.split() for line in output.read_text("utf-8").splitlines()]
    assert ["insert", "public.a", "7"] in lines
    assert ["update", "public.a", "7"] in lines
    assert ["text:", '"new"', "->", '"ändert"'] in lines
    assert ["delete", "public.a", "7"] in lines
    assert not any("public.b" in line for line in lines)


def test_no_terminal_obeys_what_others_have_written(leading: InThread, work: Work, command: Command) -> None:
    """Keys of rows, values, users and hosts: control characters are written out."""
    evil = "\x1b]0;owned\x07\x9b2J"
    change = Change("public.t", "update", (f"k{evil}",), (f"c{evil}",), {"v": (evil, "ä")})
    worker = work("a", info=lambda: {"host": f"h{evil}", "pid": 1, "since": 0})
    worker.source.present({"sid": {"user": f"u{evil}", "since": 0, "queries": [f"q{evil}"]}})
    wait_for(lambda: "u\\x1b" in command("clients").output, "the client")
    told = [unstyle(line) for line in tail.lines(change)]
    told += [command("clients").output, command("status").output]
    assert all(each.isprintable() or each == "\n" for line in told for each in line)
    assert "ä" in told[1]


def test_tail_for_programs(environment: dict[str, str], tables: Any, write: Write, tmp_path: Path) -> None:
    """``--json``: a changeset a line, all announced tables."""
    output = tmp_path / "tail.txt"
    with _tail(environment, output, "--json"):
        write("b", 1)
        write("a", 2, 3)
        wait_for(lambda: output.read_text("utf-8").count("\n{") >= 2, "both transactions")
    _, *lines = output.read_text("utf-8").splitlines()
    changes = [[(c["table"], c["op"], c["key"]) for c in json.loads(line)["changes"]] for line in lines]
    assert changes == [
        [("public.b", "insert", ["1"])],
        [("public.a", "insert", ["2"]), ("public.a", "insert", ["3"])],
    ]


def test_tail_of_a_table_that_is_not_announced(tables: Any, command: Command) -> None:
    """What could be meant is said."""
    told = command("tail", "public.c")
    assert told.exit_code == 2
    assert "public.c is not announced; these are: public.a, public.b" in told.output


@pytest.mark.parametrize("name", ["dispatch", "status", "clients"])
def test_what_is_missing_is_said(name: str, command: Command) -> None:
    """Without a Redis, or with an URL that can't be read; no password is shown."""
    told = command(name, SA_NOTIFY_REDIS_URL="")
    assert told.exit_code == 2
    assert "give --redis or set SA_NOTIFY_REDIS_URL" in told.output
    told = command(name, SA_NOTIFY_REDIS_URL="http://user:hidden@here")
    assert told.exit_code == 2
    assert "can't be read" in told.output and "hidden" not in told.output


@pytest.mark.parametrize("name", ["status", "clients"])
def test_a_redis_that_is_away_is_said(name: str, command: Command) -> None:
    """In a sentence."""
    told = command(name, SA_NOTIFY_REDIS_URL="redis://user:hidden@127.0.0.1:1/0")
    assert told.exit_code == 2
    assert told.output.startswith("Error: Redis: ") and "hidden" not in told.output


def test_dispatch_ends_in_order(
    start_process: StartProcess, led: Callable[..., Any], client: Any, keys: Keys
) -> None:
    """SIGINT as SIGTERM: status 0, nobody leads any more at once."""
    process = start_process()
    led()
    assert process.end(signal.SIGINT) == 0
    assert client.get(keys.leader) is None
    assert "ended by a signal" in process.log


def test_dispatch_refuses_a_pooler_of_transactions(
    engine: Engine, redis_url: str, environment: dict[str, str], command: Command
) -> None:
    """At start, with what to give it instead: neither a lock nor LISTEN would hold there."""
    with Pooler(engine.url, transaction=True) as pooler:
        told = command("dispatch", SA_NOTIFY_DATABASE_URL=pooler.listen_url)
    assert told.exit_code == 2, told.output
    assert "SA_NOTIFY_LISTEN_URL" in told.output
