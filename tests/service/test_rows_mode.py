"""Flask-Admin lists in mode "rows" behind a dispatcher: what a worker is sent, and what the page is told."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis
from flask import Flask

from sa_notify.redis.keys import Keys
from tests.admin.applications import execute
from tests.admin.pages import ShownPage, read_page
from tests.admin.visitor import furnished
from tests.protocol import ProtocolClient, Window, arrived, wait_for
from tests.service.conftest import StartProcess
from tests.serving import serve

BOOK, AUTHOR = "public.book", "public.author"

pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)


class Listener:
    """Hears what the dispatcher sends the only worker, which is dropped when that has read it."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client, self._keys = client, keys
        self._heard: list[tuple[str, Any]] = []
        self._last: dict[str, str] = {}
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def heard(self, since: int = 0) -> list[tuple[str, Any]]:
        """All that was sent until now."""
        self._look()
        return self._heard[since:]

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._stopped.wait(0.5):
            self._look()

    def _look(self) -> None:
        with self._guard:
            workers: Any = self._client.smembers(self._keys.workers)
            for feed in map(self._keys.feed, workers):
                found: Any = self._client.xrange(feed, f"({self._last.get(feed, '0-0')}")
                for self._last[feed], entry in found:
                    self._heard.append((entry["t"], json.loads(entry["d"])))


class Visit:
    """One page in mode "rows", as the browser follows it, on the only worker.

    :ivar rows: the rows shown, kept right.
    :ivar counted: what the banner counts by.
    """

    def __init__(self, url: str, client: redis.Redis, keys: Keys, query: str) -> None:
        self._url, self._client, self._keys = url, client, keys
        self._listener = Listener(client, keys)
        with urllib.request.urlopen(f"{url}/admin/rows/{query}") as answer:
            self.page: ShownPage = read_page(answer.read().decode())
        self._socket = ProtocolClient(url)
        self.rows, self.counted = (
            self._socket.subscribe(token=self.page.bar[name])
            for name in ("data-sa-rows-token", "data-sa-token")
        )
        wait_for(lambda: arrived(self.rows) and arrived(self.counted), "both windows")
        wait_for(self._followed, "what it is followed by")

    def _followed(self) -> bool:
        """Whether the table is captured, and the worker has said what it wants of it."""
        keys, worker, wanted = self._keys, self.worker, {json.dumps([key]) for key in _keys(self.rows)}
        rows: Any = self._client.smembers(keys.rows(worker, BOOK))
        stands = any(kind == "answer" and BOOK in body["stand"] for kind, body in self.sent())
        return stands and rows >= wanted and bool(self._client.sismember(keys.tally(worker), BOOK))

    def close(self) -> None:
        self._socket.close()
        self._listener.stop()

    def follow(self, path: str) -> tuple[Window, Callable[[], None]]:
        """Somebody looks at a list in mode "query"; and how they leave."""
        with urllib.request.urlopen(f"{self._url}{path}") as answer:
            token = read_page(answer.read().decode()).bar["data-sa-token"]
        socket = ProtocolClient(self._url)
        window = socket.subscribe(token=token)
        wait_for(lambda: arrived(window), "the list")
        return window, socket.close

    @property
    def worker(self) -> str:
        (worker,) = self._client.smembers(self._keys.workers)  # type: ignore[misc]
        return str(worker)

    def sent(self, since: int = 0) -> list[tuple[str, Any]]:
        """What the dispatcher has sent the worker since then: kinds and contents."""
        return self._listener.heard(since)

    def mark(self) -> int:
        """For what is sent from now on."""
        return len(self._listener.heard())


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with furnished(database_url) as app:
        yield app


@pytest.fixture
def visit(
    app: Flask, database_url: str, redis_url: str, client: redis.Redis, keys: Keys,
    start_process: StartProcess, led: Callable[..., Any],
) -> Iterator[Callable[[str], Visit]]:  # fmt: skip
    """Opens pages; they end with the test."""
    start_process()
    led()
    environment = {
        "DATABASE_URL": database_url, "SA_NOTIFY_REDIS_URL": redis_url, "SA_NOTIFY_REDIS_PREFIX": keys.prefix,
    }  # fmt: skip
    with (
        serve("tests.apps.wsgi_library:app", workers=1, env=environment) as url,
        ExitStack() as stack,
    ):

        def make(query: str) -> Visit:
            visit = Visit(url, client, keys, query)
            stack.callback(visit.close)
            return visit

        yield make


def _keys(window: Window) -> list[str]:
    return [key for key, _ in window.rows or ()]


def _changes(sent: list[tuple[str, Any]], table: str) -> list[Any]:
    """Changes of a table that were sent one by one."""
    sets = (changeset for kind, body in sent if kind == "changes" for changeset in body)
    return [each for changeset in sets for each in changeset["changes"] if each["table"] == table]


def _of_books(sent: list[tuple[str, Any]]) -> list[Any]:
    return _changes(sent, BOOK)


def _tallies(sent: list[tuple[str, Any]]) -> list[int]:
    """How many changes of the table each tally tells of."""
    return [body.get(BOOK, 0) for kind, body in sent if kind == "tally"]


def test_rows_that_nobody_shows_cost_a_tally_a_second(
    app: Flask, visit: Callable[[str], Visit], client: redis.Redis, keys: Keys
) -> None:
    """A thousand changes of other rows: none of them is sent, however soon, and the count is right."""
    page = visit("?sort=0&page_size=10")
    shown = _keys(page.rows)
    assert not client.sismember(keys.want(page.worker), BOOK)
    assert shown == _keys(page.counted) and page.counted.total == 40
    mark, began = page.mark(), time.monotonic()
    for n in range(50):
        execute(app, "UPDATE book SET price = :n WHERE id > 60", n=1000 + n)
    execute(app, "INSERT INTO book (id, title, kind, genre, done) VALUES (7, 'x', 'ESSAY', 'a', false)")
    wait_for(lambda: page.counted.total == 41, "the count")
    assert _keys(page.counted) == sorted([*shown, "7"], key=int)[: len(shown)]
    assert _keys(page.rows) == shown
    lasted = time.monotonic() - began
    execute(app, "UPDATE book SET title = 'new' WHERE id = :k", k=int(shown[1]))
    wait_for(lambda: page.rows.rows[1][1]["title"] == "new", "the row")  # type: ignore[index]

    # the first tally may have had everything counted
    wait_for(lambda: sum(_tallies(page.sent(mark))) == 50 * 20 + 1, "all to be tallied")
    sent = page.sent(mark)
    assert [change["key"] for change in _of_books(sent)] == [[shown[1]]]
    assert len(_tallies(sent)) <= lasted + 3


def test_related_rows_that_nobody_shows_are_not_sent(
    app: Flask, visit: Callable[[str], Visit], client: redis.Redis, keys: Keys
) -> None:
    """Of authors, those of the books shown."""
    page = visit("?sort=0&page_size=3")
    worker = page.worker
    wait_for(lambda: client.exists(keys.rows(worker, AUTHOR)), "authors to be wanted by row")
    assert not client.sismember(keys.want(worker), AUTHOR)
    (shown, *_) = (json.loads(key) for key in client.smembers(keys.rows(worker, AUTHOR)))  # type: ignore[union-attr]
    mark = page.mark()
    execute(app, "INSERT INTO author (id, name) VALUES (99, 'nobody')")
    execute(app, "UPDATE author SET name = 'still nobody' WHERE id = 99")
    execute(app, "UPDATE author SET name = 'somebody' WHERE id = :k", k=int(shown[0]))
    wait_for(lambda: any(row["author"] == "somebody" for _, row in page.rows.rows or ()), "the name")
    assert [change["key"] for change in _changes(page.sent(mark), AUTHOR)] == [shown]


def test_a_lone_change_elsewhere_is_counted_within_two_seconds(
    app: Flask, visit: Callable[[str], Visit]
) -> None:
    """Also right after another one."""
    page = visit("?sort=0&page_size=10")
    for n in range(1, 5):
        began = time.monotonic()
        execute(
            app,
            f"INSERT INTO book (id, title, kind, genre, done) VALUES ({200 + n}, 'x', 'ESSAY', 'a', false)",
        )
        wait_for(lambda n=n: page.counted.total == 40 + n, "the count")  # type: ignore[misc]
        assert time.monotonic() - began < 2.0


def test_what_concerns_rows_shown_and_the_whole_table(app: Flask, visit: Callable[[str], Visit]) -> None:
    """Deletes, another key, more rows at once than are announced one by one, and TRUNCATE."""
    page = visit("?sort=0&page_size=10")
    first, second, third, *others = shown = _keys(page.rows)
    execute(app, "DELETE FROM book WHERE id = :k", k=int(first))
    wait_for(lambda: _keys(page.rows) == shown[1:] and page.counted.total == 39, "the delete")
    execute(app, "UPDATE book SET id = 500 WHERE id = :k", k=int(second))
    wait_for(lambda: _keys(page.rows) == [third, *others], "the other key to leave")
    wait_for(lambda: second not in _keys(page.counted) and page.counted.total == 39, "the other key to count")
    execute(
        app,
        "INSERT INTO book (id, title, kind, genre, done) SELECT n, 'x', 'ESSAY', 'a', false"
        " FROM generate_series(1001, 3500) n",
    )
    wait_for(lambda: page.counted.total == 2539, "the bulk")
    execute(app, "UPDATE book SET title = 'bulk'")
    wait_for(lambda: {row["title"] for _, row in page.rows.rows or ()} == {"bulk"}, "the bulk update")
    execute(app, "TRUNCATE book")
    wait_for(lambda: (page.rows.rows, page.counted.rows, page.counted.total) == ([], [], 0), "nothing")


def test_what_changed_while_no_dispatcher_led_is_counted(
    app: Flask, visit: Callable[[str], Visit], start_process: StartProcess, client: redis.Redis, keys: Keys
) -> None:
    """A new epoch has the list read again, without a tally."""
    page = visit("?sort=0&page_size=10")
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    execute(app, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    execute(app, "INSERT INTO book (id, title, kind, genre, done) VALUES (7, 'x', 'ESSAY', 'a', false)")
    wait_for(lambda: page.counted.total == 41, "the count")
    execute(app, "INSERT INTO book (id, title, kind, genre, done) VALUES (8, 'x', 'ESSAY', 'a', false)")
    wait_for(lambda: page.counted.total == 42, "the next")


def test_two_pages_of_one_worker_hear_each_of_its_own_rows(
    app: Flask, visit: Callable[[str], Visit], client: redis.Redis, keys: Keys
) -> None:
    """In order, and both count."""
    one, two = visit("?sort=0&page_size=10"), visit("?sort=0&desc=1&page_size=10")
    worker = one.worker
    wanted: Any = client.smembers(keys.rows(worker, BOOK))
    assert wanted == {json.dumps([key]) for key in (*_keys(one.rows), *_keys(two.rows))}
    for page in (one, two):
        key = _keys(page.rows)[0]
        execute(app, "UPDATE book SET title = 'its own' WHERE id = :k", k=int(key))
        wait_for(lambda page=page: page.rows.rows[0][1]["title"] == "its own", "the row")  # type: ignore[misc]
    execute(app, "DELETE FROM book WHERE id = 60")
    wait_for(lambda: one.counted.total == two.counted.total == 39, "both counts")


def test_a_list_in_mode_query_beside_it(
    app: Flask, visit: Callable[[str], Visit], client: redis.Redis, keys: Keys
) -> None:
    """While somebody looks at it, the worker hears of the whole table; afterwards of tallies again."""
    page = visit("?sort=0")
    listed, leave = page.follow("/admin/plain/?sort=0")
    wait_for(lambda: client.sismember(keys.want(page.worker), BOOK), "the whole table to be wanted")
    first, *_, last = _keys(page.rows)
    execute(app, "UPDATE book SET title = 'both' WHERE id = :k", k=int(first))
    for window in (page.rows, listed):
        wait_for(lambda window=window: window.rows[0][1]["title"] == "both", "the row")  # type: ignore[misc]
    execute(app, "DELETE FROM book WHERE id = 60")
    wait_for(lambda: page.counted.total == listed.total == 39, "both counts")

    leave()
    wait_for(lambda: not client.sismember(keys.want(page.worker), BOOK), "the whole table to be dropped")
    mark = page.mark()
    execute(app, "DELETE FROM book WHERE id = 63")
    wait_for(lambda: page.counted.total == 38, "the count")
    execute(app, "DELETE FROM book WHERE id = :k", k=int(last))
    wait_for(lambda: last not in _keys(page.rows), "the row to leave")
    assert [change["key"] for change in _of_books(page.sent(mark))] == [[last]]
