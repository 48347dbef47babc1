"""What Redis runs, step by step: who leads no longer writes nothing, and nothing grows without a bound."""

import asyncio
from typing import Any

import pytest
import redis
from redis.exceptions import ResponseError

from sa_notify.change import Change, ChangeSet, Key, dump_key
from sa_notify.errors import SourceLost
from sa_notify.redis.connect import connect_asyncio
from sa_notify.redis.keys import WIRE, Keys
from sa_notify.redis.packed import pack
from sa_notify.redis.scripts import FENCED, Scripts
from sa_notify.service.publisher import Publisher
from sa_notify.source.service.worker import Worker
from sa_notify.source.wanted import Wanted

TERM, TABLE = "2", "public.a"
#: Of a stream's entries Redis drops whole blocks of so many.
BLOCK = 100


@pytest.fixture
def scripts(client: redis.Redis, keys: Keys) -> Scripts:
    client.set(keys.term, TERM)
    return Scripts(client)


@pytest.fixture
def worker(client: redis.Redis, keys: Keys) -> Worker:
    """One that wants a table whole."""
    worker = Worker(client, keys, "w")
    worker.register({})
    worker.want(Wanted(1, tables=frozenset({TABLE})))
    return worker


def _arguments(name: str, keys: Keys, kept: int, key: Key | None) -> tuple[list[str], list[Any]]:
    """What a dispatcher gives a script beside its term."""
    change = Change(TABLE, "bulk") if key is None else Change(TABLE, "update", key)
    told = {
        "lead": ([keys.term, keys.leader], ["{}", 5000]),
        "tell": ([keys.term, keys.workers], [keys.base, kept, "beat", "{}"]),
        "publish": ([keys.term, keys.workers], [keys.base, kept, *pack([ChangeSet("e", 1, 7, (change,))])]),
        "tally": ([keys.term, keys.workers], [keys.base, kept]),
        "append": ([keys.term, keys.stream("changes")], [kept, "changes", "{}"]),
    }
    return told[name]


def _run(
    scripts: Scripts, keys: Keys, name: str, *, term: str = TERM, kept: int = 1000, key: Key | None = None
) -> Any:
    names, arguments = _arguments(name, keys, kept, key)
    return scripts.run(name, names, [term, *arguments])


def _kinds(client: redis.Redis, keys: Keys) -> list[str]:
    found: Any = client.xrange(keys.feed("w"))
    return [entry["t"] for _, entry in found]


@pytest.mark.parametrize("name", ["lead", "tell", "publish", "tally", "append"])
def test_who_leads_no_longer_writes_nothing(
    scripts: Scripts, worker: Worker, client: redis.Redis, keys: Keys, name: str
) -> None:
    """Whichever step it tries, and although what it would write is wanted."""
    client.hset(keys.elsewhere("w"), TABLE, "3")
    before = {each: client.type(each) for each in client.scan_iter(f"{keys.base}*")}
    for term in ("1", "22"):
        with pytest.raises(ResponseError, match=FENCED):
            _run(scripts, keys, name, term=term)
    assert {each: client.type(each) for each in client.scan_iter(f"{keys.base}*")} == before
    assert _kinds(client, keys) == ["hello"]
    _run(scripts, keys, name)


def test_who_leads_no_longer_ends_nobodys_leadership(
    scripts: Scripts, client: redis.Redis, keys: Keys
) -> None:
    _run(scripts, keys, "lead")
    scripts.run("resign", [keys.term, keys.leader], ["1"])
    assert client.exists(keys.leader)
    scripts.run("resign", [keys.term, keys.leader], [TERM])
    assert not client.exists(keys.leader)


@pytest.mark.parametrize("name", ["tell", "publish", "tally", "append"])
def test_what_nobody_reads_is_bounded(
    scripts: Scripts, worker: Worker, client: redis.Redis, keys: Keys, name: str
) -> None:
    """A worker that hangs, or a service that never asks."""
    for _ in range(5 * BLOCK):
        client.hset(keys.elsewhere("w"), TABLE, "3")
        _run(scripts, keys, name, kept=BLOCK)
    stream = keys.stream("changes") if name == "append" else keys.feed("w")
    assert BLOCK <= int(client.xlen(stream)) <= 2 * BLOCK  # type: ignore[arg-type]


def test_thousands_of_rows_are_wanted_and_told(
    scripts: Scripts, worker: Worker, client: redis.Redis, keys: Keys
) -> None:
    """More than a script can name at a time: none is left out, nor stays when it is wanted no more."""
    rows = frozenset((str(n),) for n in range(3500))
    worker.want(Wanted(2, rows={TABLE: rows}))
    assert client.smembers(keys.rows("w", TABLE)) == set(map(dump_key, rows))
    for key in (("0",), ("1001",), ("3499",), ("3500",)):
        _run(scripts, keys, "publish", key=key)
    assert _kinds(client, keys) == ["hello", *["changes"] * 3]
    worker.want(Wanted(3))
    assert not client.exists(keys.rows("w", TABLE)) and not client.exists(keys.partly("w"))


def test_tables_of_every_kind_of_want_are_wanted(scripts: Scripts, worker: Worker, keys: Keys) -> None:
    """Whole, by row, or by tally: a dispatcher has each captured."""
    rows = {"public.row": frozenset({("1",)})}
    worker.want(Wanted(2, tables=frozenset({TABLE}), rows=rows, tallies=frozenset({"public.tally"})))
    assert set(scripts.run("wanted", [keys.workers], [keys.base])) == {TABLE, "public.row", "public.tally"}


def test_what_is_wanted_otherwise_is_wanted_all_the_while(
    client: redis.Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the whole table to rows of it and back: at no moment is there a change that nobody is told of."""
    steps: list[tuple[bool, bool]] = []
    worker = Worker(client, keys, "w")
    worker.register({})
    plain, partly = worker._change, {TABLE: frozenset({("1",)})}

    def stepwise(*given: Any) -> None:
        plain(*given)
        whole = bool(client.sismember(keys.want("w"), TABLE))
        steps.append((whole, bool(client.sismember(keys.rows("w", TABLE), dump_key(("1",))))))

    worker.want(Wanted(1, tables=frozenset({TABLE})))
    monkeypatch.setattr(worker, "_change", stepwise)
    worker.want(Wanted(2, rows=partly))
    worker.want(Wanted(3, tables=frozenset({TABLE})))
    assert all(whole or row for whole, row in steps)
    assert (True, True) in steps


def test_a_tally_is_told_once(scripts: Scripts, client: redis.Redis, keys: Keys) -> None:
    """What was told is not counted again."""
    worker = Worker(client, keys, "w")
    worker.register({})
    worker.want(Wanted(1, tallies=frozenset({TABLE})))
    for _ in range(3):
        assert _run(scripts, keys, "publish", key=("1",)) == 1
    for _ in range(2):
        _run(scripts, keys, "tally")
    assert _kinds(client, keys) == ["hello", "tally"]


@pytest.mark.parametrize("name", ["tell", "publish", "tally"])
def test_the_dead_are_told_nothing(
    scripts: Scripts, worker: Worker, client: redis.Redis, keys: Keys, name: str
) -> None:
    """What would be put there for one whose life has run out would stay for ever."""
    client.hset(keys.elsewhere("w"), TABLE, "3")
    client.delete(keys.worker("w"), keys.feed("w"), keys.told("w"))
    _run(scripts, keys, name)
    assert not client.exists(keys.feed("w"), keys.told("w"))
    assert not client.sismember(keys.workers, "w")


@pytest.mark.parametrize("name", ["tell", "publish", "tally"])
def test_one_that_can_not_be_told_keeps_nobody_from_being_told(
    scripts: Scripts, worker: Worker, client: redis.Redis, keys: Keys, name: str
) -> None:
    """Whatever else lies under its names."""
    for n in range(9):
        other = Worker(client, keys, f"other {n}")
        other.register({})
        other.want(Wanted(1, tables=frozenset({TABLE})))
        client.delete(keys.feed(other.id))
        client.set(keys.feed(other.id), "no stream")
        client.hset(keys.elsewhere(other.id), TABLE, "3")
    client.hset(keys.elsewhere("w"), TABLE, "3")
    _run(scripts, keys, name)
    assert len(_kinds(client, keys)) == 2
    assert client.smembers(keys.workers) == {"w"}


def test_who_was_taken_for_dead_is_told_so(worker: Worker, client: redis.Redis, keys: Keys) -> None:
    """And leaves nothing that nobody would take away."""
    for name in client.scan_iter(f"{keys.base}*"):
        client.delete(name)
    with pytest.raises(SourceLost, match="forgotten"):
        worker.renew({})
    with pytest.raises(SourceLost, match="forgotten"):
        worker.want(Wanted(2, tables=frozenset({"public.b"})))
    assert not client.keys(f"{keys.base}*")


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        (None, "no dispatcher leads"),
        (f'{{"epoch": null, "wire": {WIRE}}}', "does not follow"),
        ('{"epoch": "e"}', "version"),
        ("{", "can't be read"),
        ("[1]", "can't be read"),
    ],
)
def test_who_leads_but_follows_nothing_is_not_followed(
    worker: Worker, client: redis.Redis, keys: Keys, said: str | None, lost: str
) -> None:
    if said is not None:
        client.set(keys.leader, said)
    with pytest.raises(SourceLost, match=lost):
        worker.leader()


def test_changes_of_an_epoch_that_is_over_are_not_published(
    redis_url: str, worker: Worker, scripts: Scripts, client: redis.Redis, keys: Keys
) -> None:
    """They would have their position taken for one of the next epoch, and what is not told yet for told."""

    async def begin_again() -> None:
        async with connect_asyncio(redis_url) as own:
            publisher = Publisher(own, keys, int(TERM), dict)
            publisher.begin_epoch("e")
            publisher.receive([ChangeSet("e", 5, 7, (Change(TABLE, "insert", ("1",)),))])
            publisher.lost()
            publisher.begin_epoch("f")
            await publisher._settle()
            assert publisher.position == 0

    asyncio.run(begin_again())
    assert _kinds(client, keys) == ["hello", "lost"]
