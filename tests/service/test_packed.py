"""Changesets go through a worker's feed as they are, whatever they hold."""

import json
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings, strategies as st

from sa_notify.change import Change, ChangeSet, dump_changeset, dump_key, load_changesets
from sa_notify.errors import MessageError
from sa_notify.redis.keys import Keys
from sa_notify.redis.packed import pack, unpack
from sa_notify.redis.scripts import Scripts
from sa_notify.source.outbox.rows import all_changes, changes

_names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
_scalars = st.none() | st.booleans() | st.integers() | _names
_pairs = st.dictionaries(_names, st.lists(_scalars | st.lists(_scalars), min_size=1, max_size=2), max_size=3)
_keys = st.lists(_names, min_size=1, max_size=3).map(tuple)


@st.composite
def _change(draw: st.DrawFn) -> Change:
    """One from the outbox, whose values nobody has parsed, or one that was read with care."""
    table, key, pairs = draw(_names), draw(_keys), draw(_pairs)
    if draw(st.booleans()):
        body = json.dumps({"o": "u", "k": key, "f": ["a"], "w": pairs}, ensure_ascii=False)
        return changes(table, body)[0]
    op = draw(st.sampled_from(["insert", "update", "truncate", "bulk"]))
    values = {name: (pair[0], pair[-1]) for name, pair in pairs.items()}
    return Change(table, op, None if op in ("truncate", "bulk") else key, None, values)


_changesets = st.lists(
    st.builds(
        lambda position, changes: ChangeSet("epoch", position, 2**63 + position, tuple(changes)),
        st.integers(1, 2**60), st.lists(_change(), min_size=1, max_size=4),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


def _told(changesets: list[ChangeSet], wanted: "set[tuple[str, tuple[str, ...] | None]]") -> list[ChangeSet]:
    """What is left of them for a worker that wants these rows."""
    found = []
    for each in changesets:
        kept = tuple(change for change in each.changes if (change.table, change.key) in wanted)
        if kept:
            found.append(ChangeSet(each.epoch, each.position, each.xid, kept))
    return found


class _Feeds:
    """Two workers in Redis: one wants everything, the other some rows and tallies."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client, self._keys, self._scripts = client, keys, Scripts(client)

    def publish(
        self, changesets: list[ChangeSet], rows: set[Any]
    ) -> tuple[list[ChangeSet], list[ChangeSet], int]:
        """What each of them is told, and how many changes the second is to be told of by a tally."""
        client, keys = self._client, self._keys
        for name in client.scan_iter(f"{keys.base}*"):
            client.delete(name)
        client.set(keys.term, 1)
        for worker in ("all", "some"):
            client.sadd(keys.workers, worker)
            client.set(keys.worker(worker), "{}")
            client.set(keys.told(worker), 1)
            client.xadd(keys.feed(worker), {"n": 1, "t": "hello", "d": "{}"})
        tables = {change.table for each in changesets for change in each.changes}
        client.sadd(keys.want("all"), *tables)
        client.sadd(keys.tally("some"), *tables)
        # one that is never changed, so that the set exists
        for table, key in {(table, ("-",)) for table in tables} | rows:
            client.sadd(keys.rows("some", table), dump_key(key))
        arguments = ["1", keys.base, 100, *pack(changesets)]
        untold = int(self._scripts.run("publish", [keys.term, keys.workers], arguments))
        return self._feed("all"), self._feed("some"), untold

    def _feed(self, worker: str) -> list[ChangeSet]:
        entries: Any = self._client.xrange(self._keys.feed(worker))
        return [changeset for _, entry in entries[1:] for changeset in unpack(entry["d"])]


@pytest.fixture
def feeds(client: redis.Redis, keys: Keys) -> _Feeds:
    return _Feeds(client, keys)


def test_what_is_packed_is_told_to_who_wants_it(feeds: _Feeds) -> None:
    """Whole, or the rows alone and what has no row, in order; the rest is counted."""

    # a busy machine draws slowly, which says nothing of this
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(_changesets, st.data())
    def check(changesets: list[ChangeSet], data: st.DataObject) -> None:
        every = [change for each in changesets for change in each.changes]
        drawn = data.draw(st.lists(st.sampled_from(every), max_size=4))
        rows = {(change.table, change.key) for change in drawn if change.key is not None}
        whole, some, untold = feeds.publish(changesets, rows)
        expected = _told(changesets, rows | {(change.table, None) for change in every})

        assert whole == changesets
        assert some == expected
        assert untold == len(every) - sum(len(each.changes) for each in expected)

    check()


def test_rows_read_together_are_what_they_are_alone() -> None:
    """One that needs care is read with care, and takes nothing of the others."""
    bodies = ['{"o":"i","k":["1"]}', '{"o":"u","k":["2"],"w":{"a":["\\u00e9"]}},{"o":"d","k":["3"]}', "{", ""]
    rows = [("public.t", body) for body in bodies]

    assert all_changes(rows) == [changes(*row) for row in rows]
    assert all_changes(rows[:1]) == [changes(*rows[0])]


def test_values_too_deep_for_some_parser_are_left_out() -> None:
    """A worker must be able to read all that it is told."""
    deep = '{"o":"u","k":["1"],"w":{"a":[' + "[" * 400 + "]" * 400 + '],"b":[1,2]}}'
    found = changes("public.t", deep)
    [told] = unpack(f"[{_whole(ChangeSet('e', 1, 7, found))}]")

    assert dict(told.changes[0].values) == {"b": (1, 2)}


def test_an_older_worker_reads_it_without_the_values() -> None:
    """It looks into the table then."""
    found = changes("public.t", '{"o":"u","k":["1"],"f":["a"],"w":{"a":[1,2],"b":[3]}}')
    [told] = load_changesets(f"[{_whole(ChangeSet('e', 1, 7, found))}]")

    assert told.changes == (Change("public.t", "update", ("1",), ("a",)),)


def test_what_an_older_dispatcher_tells_is_read() -> None:
    """Pairs of values, as for other services."""
    changeset = ChangeSet("e", 1, 7, (Change("public.t", "update", ("1",), ("a",), {"a": (1, 2)}),))

    assert unpack(f"[{dump_changeset(changeset)}]") == [changeset]


def test_names_that_are_no_text_go_through() -> None:
    """Bytes that are no UTF-8 in a database without an encoding."""
    changeset = ChangeSet("e", 1, 7, (Change("public.\udcff", "insert", ("\udcfe",)),))

    assert unpack(f"[{_whole(changeset)}]") == [changeset]
    assert pack([changeset])[-1] == b"public.\xff"


@pytest.mark.parametrize(
    "text", ["", '{"a":1}', "[1]", '[{"v":2,"epoch":"e","position":1,"xid":"7","changes":[]}]']
)
def test_what_is_no_changeset_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        unpack(text)


def _whole(changeset: ChangeSet) -> str:
    """As ``publish.lua`` makes it of what is packed."""
    items = pack([changeset])[1].decode()
    return f'{dump_changeset(changeset).split(chr(34) + "changes")[0]}"changes":[{items}]}}'
