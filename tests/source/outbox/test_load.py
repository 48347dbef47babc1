"""A busy database, for as long as there is time: SA_NOTIFY_TEST_SIZE=200 is 10,000 changes/s for 10 min."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine, create_engine

from demo.embedded import EmbeddedPostgres
from sa_notify.source.outbox import keeper, rotation
from tests.databases import fresh_database
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.counters import SIZE
from tests.source.outbox.outboxes import SLOTS, execute, make_outbox, scalar
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


@pytest.fixture
def telling(own_server: EmbeddedPostgres) -> Iterator[Engine]:
    """An engine on a database whose server logs each wait for a lock that lasts 10 ms."""
    with fresh_database(own_server.url) as url:
        engine = create_engine(url)
        name = engine.url.database
        execute(engine, f"ALTER DATABASE {name} SET deadlock_timeout = '10ms'")
        execute(engine, f"ALTER DATABASE {name} SET log_lock_waits = on")
        engine.dispose()
        make_outbox(engine)
        make_marks(engine)
        yield engine
        engine.dispose()


def test_it_stays_small_and_complete(
    own_server: EmbeddedPostgres, telling: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slots take turns under load, readers in other processes miss nothing, and it never grows."""
    if SIZE == 1:
        monkeypatch.setattr(rotation, "SLOT_BYTES", 2**18)
        monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.1)
    url = telling.url.render_as_string(hide_password=False)
    own = follow(engine=telling)
    own.source.take(["public.marks"])  # type: ignore[attr-defined]
    own.source.keep(["public.marks"])  # type: ignore[attr-defined]
    processes = [Process(url), Process(url, "poll")]
    for process in processes:
        process.begins(1)
    latencies: list[float] = []
    writers = [threading.Thread(target=_write, args=(telling, n, latencies)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    largest = 0
    while any(writer.is_alive() for writer in writers):
        own.turn()
        largest = max(largest, scalar(telling, f"SELECT {_SIZES}"))
    total = int(SECONDS * PER_SECOND) * WRITERS * ROWS
    for process in processes:
        wait_for(lambda p=process: len(p.heard) >= total, "all")  # type: ignore[misc]
    own.until(lambda: len(own.keys) >= total, "all")

    assert set(own.keys) == {str(n) for n in range(total)}
    for process in processes:
        assert sorted(process.heard) == list(range(total))
        assert process.end() == 0
    assert [len(own.epochs), *(len(process.epochs) for process in processes)] == [1, 1, 1]
    assert scalar(telling, "SELECT last_value FROM sa_notify.outbox_turn") >= 2
    # each sign of life, 2 s apart, tells what has been read
    assert largest < max(4 * rotation.SLOT_BYTES, 2**22)
    latencies.sort()
    print(f"{total / SECONDS:.0f}/s, {largest / 2**20:.1f} MB, {latencies[-1] * 1000:.1f} ms at worst")
    log = (own_server.room / "postgres.log").read_text()
    waits = re.findall(r"still waiting for (.*)", log)
    print("waited 10 ms for a lock:", *waits, sep="\n")
    # readers may have to wait for a slot's TRUNCATE, a writer uses another slot by then
    assert not [wait for wait in waits if wait.startswith("RowExclusiveLock on relation")]
