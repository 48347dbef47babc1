"""A busy database, for as long as there is time: SA_NOTIFY_TEST_SIZE=200 is 10,000 changes/s for 10 min."""

import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import Engine

from sa_notify.source.outbox import keeper, rotation
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import SIZE
from tests.source.outbox.outboxes import SLOTS, scalar
from tests.source.outbox.process import Process, make_marks

SECONDS = 3.0 * SIZE
WRITERS = 4
#: Rows of one statement, of which each writer makes so many a second.
ROWS = 10
PER_SECOND = min(10_000, 3_000 * SIZE) // WRITERS // ROWS
_SIZES = " + ".join(f"pg_total_relation_size('{slot}')" for slot in SLOTS)


def _write(engine: Engine, number: int, latencies: list[float]) -> None:
    with closing(plain(engine)) as connection, connection.cursor() as cursor:
        began = time.monotonic()
        for n in range(int(SECONDS * PER_SECOND)):
            first = (n * WRITERS + number) * ROWS
            time.sleep(max(0.0, began + n / PER_SECOND - time.monotonic()))
            sent = time.monotonic()
            cursor.execute(
                "INSERT INTO marks SELECT n, repeat('x', 100) FROM generate_series(%s, %s) n",
                (first, first + ROWS - 1),
            )
            connection.commit()
            latencies.append(time.monotonic() - sent)


def test_it_stays_small_and_complete(
    engine: Engine, database_url: str, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slots take turns under load, readers in other processes miss nothing, and it never grows."""
    if SIZE == 1:
        monkeypatch.setattr(rotation, "SLOT_BYTES", 2**18)
        monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.1)
    make_marks(engine)
    own = follow()
    own.source.take(["public.marks"])  # type: ignore[attr-defined]
    own.source.keep(["public.marks"])  # type: ignore[attr-defined]
    processes = [Process(database_url), Process(database_url, "poll")]
    for process in processes:
        process.begins(1)
    latencies: list[float] = []
    writers = [threading.Thread(target=_write, args=(engine, n, latencies)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    largest = 0
    while any(writer.is_alive() for writer in writers):
        own.turn()
        largest = max(largest, scalar(engine, f"SELECT {_SIZES}"))
    total = int(SECONDS * PER_SECOND) * WRITERS * ROWS
    for process in processes:
        wait_for(lambda p=process: len(p.heard) >= total, "all")  # type: ignore[misc]
    own.until(lambda: len(own.keys) >= total, "all")

    assert set(own.keys) == {str(n) for n in range(total)}
    for process in processes:
        assert sorted(process.heard) == list(range(total))
        assert process.end() == 0
    assert [len(own.epochs), *(len(process.epochs) for process in processes)] == [1, 1, 1]
    assert scalar(engine, "SELECT last_value FROM sa_notify.outbox_turn") >= 2
    # each sign of life, 2 s apart, tells what has been read
    assert largest < max(4 * rotation.SLOT_BYTES, 2**22)
    latencies.sort()
    print(f"{total / SECONDS:.0f}/s, {largest / 2**20:.1f} MB, {latencies[-1] * 1000:.1f} ms at worst")
