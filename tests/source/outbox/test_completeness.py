"""Every change once, and those of a row in their order, whoever writes at the same time."""

import select
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from sa_notify.change import Change, ChangeSet
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox import keeper, pump, rotation
from sa_notify.source.outbox.rows import changes
from sa_notify.source.outbox.source import OutboxSource, Wake
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.accountant import Accountant
from tests.source.outbox.counters import (
    SIZE,
    TABLE,
    Account,
    Writers,
    make_counters,
    make_restless,
    versions,
)
from tests.source.outbox.outboxes import execute, make_outbox

NOTHING = {"skipped": 0, "doubled": 0, "swapped": 0}
_ALL = " UNION ALL ".join(
    f"SELECT seq, xid, relation, body FROM sa_notify.outbox_{slot}" for slot in range(4)
)


def _opened(engine: Engine, *wakes: Wake) -> list[OutboxSource]:
    made = [OutboxSource(listen_connect(engine), wake) for wake in wakes]
    for source in made:
        source.open()
        assert source.take([TABLE]) == {TABLE}
        source.keep([TABLE])
    return made


@pytest.fixture
def sources(engine: Engine) -> Iterator[list[OutboxSource]]:
    """One that keeps the outbox, one that is woken by it, and one that polls."""
    make_counters(engine)
    made = _opened(engine, "notify", "notify", "poll")
    yield made
    for source in made:
        source.close()


def _account(engine: Engine, writers: Writers, sources: list[OutboxSource]) -> None:
    """Follow while they write; each source was told of everything, once, in order."""
    accounts = [Account() for _ in sources]
    writers.start()
    waiting = select.poll()
    for source in sources:
        waiting.register(source.fileno(), select.POLLIN)
    while writers.busy:
        waiting.poll(50)
        for source, account in zip(sources, accounts, strict=True):
            account.add(source.read())
    writers.close()
    expected = versions(engine)
    for source, account in zip(sources, accounts, strict=True):
        wait_for(lambda s=source, a=account: a.add(s.read()) or a.latest == expected, "every last version")
        assert account.faults() == NOTHING


@pytest.mark.parametrize("restless", [False, True], ids=["plain", "nested"])
def test_nothing_is_skipped_doubled_or_swapped(
    engine: Engine, sources: list[OutboxSource], monkeypatch: pytest.MonkeyPatch, restless: bool
) -> None:
    """16 writers with rollbacks, savepoints, pauses and nested triggers, while slots take turns."""
    monkeypatch.setattr(rotation, "SLOT_SECONDS", 0.1)
    monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.02)
    monkeypatch.setattr(pump, "BEAT_SECONDS", 0.05)
    if restless:
        make_restless(engine)
    _account(engine, Writers(engine, 16, 40 * SIZE), sources)
    with engine.connect() as connection:
        turns = connection.exec_driver_sql("SELECT last_value FROM sa_notify.outbox_turn").scalar_one()
    assert turns >= 3  # all four were written to


def test_nothing_is_lost_between_two_phases(own_engine: Engine) -> None:
    """Some of the writers prepare their transactions, and end them a little later from no session at all."""
    execute(own_engine, "DROP TABLE IF EXISTS counters")
    make_counters(own_engine)
    sources = _opened(own_engine, "notify", "poll")
    _account(own_engine, Writers(own_engine, 10, 40 * SIZE, preparing=4), sources)
    for source in sources:
        source.close()


def test_all_processes_and_threads_hear_the_same(engine: Engine, database_url: str) -> None:
    """Two processes of two threads each, whoever of them keeps the outbox: all of it, each."""
    make_outbox(engine)
    make_counters(engine)
    make_restless(engine)
    accountants = [Accountant(database_url, "notify", "poll"), Accountant(database_url, "notify", "notify")]
    try:
        for accountant in accountants:
            accountant.begins()
        writers = Writers(engine, 16, 40 * SIZE)
        writers.start()
        writers.close()
        expected = versions(engine)
        for accountant in accountants:
            assert accountant.faults(expected) == [NOTHING] * 2
    finally:
        for accountant in accountants:
            accountant.close()


class _BySequence:
    """The usual cursor: what has a greater number than the last one."""

    order = "seq"

    def __init__(self) -> None:
        self._last = 0

    def condition(self) -> str:
        return f"seq > {self._last}"

    def passed(self, row: tuple[Any, ...]) -> None:
        self._last = max(self._last, row[0])


class _ByTransaction:
    """The usual mend: only transactions older than all that run, in order of their numbers."""

    order = "xid, seq"

    def __init__(self) -> None:
        self._last = (0, 0)

    def condition(self) -> str:
        xid, seq = self._last
        return f"(xid, seq) > ('{xid}'::xid8, {seq}) AND xid < pg_snapshot_xmin(pg_current_snapshot())"

    def passed(self, row: tuple[Any, ...]) -> None:
        self._last = (int(row[1]), row[0])


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [(_BySequence, "skipped"), (_ByTransaction, "swapped")],
    ids=["sequence", "transaction"],
)
def test_the_usual_recipes_fail(
    engine: Engine, sources: list[OutboxSource], recipe: Callable[[], Any], fault: str
) -> None:
    """What others advise loses or swaps changes under the very same load: the test can tell."""
    cursor_of, account, connection = recipe(), Account(), plain(engine)
    connection.autocommit = True

    def read() -> int:
        with connection.cursor() as cursor:
            where, order = cursor_of.condition(), cursor_of.order
            cursor.execute(f"SELECT * FROM ({_ALL}) o WHERE {where} ORDER BY {order}")
            rows = cursor.fetchall()
        for row in rows:
            cursor_of.passed(row)
            account.add([ChangeSet("", 1, int(row[1]), _changes(row))])
        return len(rows)

    for _ in range(5):
        writers = Writers(engine, 16, 30)
        writers.start()
        while writers.busy:
            read()
            writers.wait(0.005)
        writers.close()
        while read():
            pass
        if account.faults()[fault]:
            break
    connection.close()
    assert account.faults()[fault] > 0


def _changes(row: tuple[Any, ...]) -> tuple[Change, ...]:
    return changes(row[2], row[3])
