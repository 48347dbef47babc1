"""The hub against a simulated database: whatever the interleaving, nobody stays stale."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sa_notify.change import Change, ChangeSet
from sa_notify.live import actions as act
from sa_notify.live.actions import Subscriber
from sa_notify.live.diff import apply
from sa_notify.live.hub import Hub
from sa_notify.live.query import Query, Reading
from sa_notify.live.snapshot import Snapshot

TABLES = ("public.a", "public.b")


@dataclass
class Client:
    """What one subscription of a protocol client holds."""

    key: str | None = None
    rows: list[Any] | None = None
    version: int = 0
    joined: bool = False


@dataclass
class Database:
    """Committed rows by table, and transactions that run, with xids given at their first write."""

    tables: dict[str, dict[str, dict[str, int]]] = field(default_factory=lambda: {t: {} for t in TABLES})
    next_xid: int = 10
    open: dict[int, dict[str, dict[str, int | None]]] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        xmin = min(self.open, default=self.next_xid)
        return Snapshot(xmin, self.next_xid, frozenset(self.open))

    def rows(self, table: str, descending: bool) -> tuple[Any, ...]:
        items = sorted(
            self.tables[table].items(), key=lambda item: (item[1]["v"], item[0]), reverse=descending
        )
        return tuple((key, dict(values)) for key, values in items)


class HubMachine(RuleBasedStateMachine):
    """Transactions, reads, waits, clients and feed failures in any order."""

    @initialize(following=st.booleans())
    def start(self, following: bool) -> None:
        self.keys = 0
        self.hub = Hub(self._new_key)
        self.database = Database()
        self.now = 0.0
        self.clients: dict[Subscriber, Client] = {}
        self.queries: dict[Subscriber, tuple[str, bool]] = {}
        self.reads: dict[str, Reading | None] = {}
        self.waits: list[act.Wait] = []
        self.greets: list[str] = []
        self.following = False
        self.arrived = 0
        if following:
            self.begin_epoch()

    def _new_key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    def _query(self, table: str, descending: bool) -> Query:
        return Query(f"{table} {descending}", (table, descending), lambda: None)  # type: ignore[arg-type,return-value]

    def _do(self, actions: Sequence[act.Action]) -> None:
        for action in actions:
            match action:
                case act.Read(key):
                    assert key not in self.reads, "one read at a time"
                    self.reads[key] = None
                case act.Wait():
                    self.waits.append(action)
                case act.Greet(key):
                    self.greets.append(key)
                case act.SendSnapshot(subscriber, key, window):
                    client = self.clients[subscriber]
                    client.key, client.rows = key, list(window.rows)
                    client.version = window.version
                case act.Join(sid, key):
                    for client in self._of(sid, key):
                        client.joined = True
                case act.Leave(sid, key):
                    for client in self._of(sid, key):
                        client.joined = False
                case act.SendDiff(key, base, window, ops):
                    self._diff(key, base, window.version, ops)
        for subscriber in [s for s in self.clients if not self.hub.has(s)]:
            if any(isinstance(action, act.SendClosed) for action in actions):
                del self.clients[subscriber]

    def _of(self, sid: str, key: str) -> list[Client]:
        return [c for s, c in self.clients.items() if s.sid == sid and c.key == key]

    def _diff(self, key: str, base: int, version: int, ops: list[Any]) -> None:
        for client in self.clients.values():
            if client.key == key and client.joined:
                assert client.rows is not None
                assert (client.version, version) == (base, base + 1)
                client.rows, client.version = apply(client.rows, ops), version

    @rule(sid=st.sampled_from("xy"), id_=st.integers(0, 2), table=st.sampled_from(TABLES), desc=st.booleans())
    def subscribe(self, sid: str, id_: int, table: str, desc: bool) -> None:
        subscriber = Subscriber(sid, id_)
        if subscriber in self.clients:
            self.clients.pop(subscriber)
            self._do(self.hub.unsubscribe(subscriber))
            return
        self.clients[subscriber] = Client()
        self.queries[subscriber] = (table, desc)
        self._do(self.hub.subscribe(subscriber, self._query(table, desc), self.now)[1])

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), table=st.sampled_from(TABLES), desc=st.booleans())
    def move(self, data: st.DataObject, table: str, desc: bool) -> None:
        subscriber = data.draw(st.sampled_from(sorted(self.clients, key=str)))
        self.queries[subscriber] = (table, desc)
        self._do(self.hub.move(subscriber, self._query(table, desc), self.now))

    @rule(sid=st.sampled_from("xy"))
    def disconnect(self, sid: str) -> None:
        self.hub.disconnect(sid)
        for subscriber in [s for s in self.clients if s.sid == sid]:
            del self.clients[subscriber]

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def resync(self, data: st.DataObject) -> None:
        subscriber = data.draw(st.sampled_from(sorted(self.clients, key=str)))
        self._do(self.hub.resync(subscriber) or [])

    @rule(
        writes=st.lists(
            st.tuples(st.sampled_from(TABLES), st.sampled_from("pqrs"), st.none() | st.integers(0, 3)),
            min_size=1,
        )
    )
    def write(self, writes: list[tuple[str, str, int | None]]) -> None:
        xid, self.database.next_xid = self.database.next_xid, self.database.next_xid + 1
        pending: dict[str, dict[str, int | None]] = {}
        for table, key, value in writes:
            pending.setdefault(table, {})[key] = value
        self.database.open[xid] = pending

    @precondition(lambda self: self.database.open)
    @rule(data=st.data(), commit=st.sampled_from([True, True, True, False]))
    def end(self, data: st.DataObject, commit: bool) -> None:
        xid = data.draw(st.sampled_from(sorted(self.database.open)))
        if commit:
            self._commit(xid)
        else:
            del self.database.open[xid]

    def _commit(self, xid: int) -> None:
        pending = self.database.open.pop(xid)
        for table, rows in pending.items():
            for key, value in rows.items():
                self.database.tables[table].pop(key, None)
                if value is not None:
                    self.database.tables[table][key] = {"v": value}
        if self.following:
            self.arrived += 1
            changes = tuple(Change(table, "bulk") for table in pending)
            self._do(self.hub.receive([ChangeSet("e", self.arrived, xid, changes)], self.now))

    @rule()
    def begin_epoch(self) -> None:
        self.following = True
        self._do(self.hub.begin_epoch(self.now))

    @precondition(lambda self: self.following and self.arrived % 3 == 2)
    @rule()
    def lose_feed(self) -> None:
        self.following = False
        self.hub.lose_feed()

    @rule(table=st.sampled_from(TABLES), key=st.sampled_from("pqrs"), value=st.none() | st.integers(0, 3))
    def write_and_commit(self, table: str, key: str, value: int | None) -> None:
        """The usual transaction."""
        self.write([(table, key, value)])
        self._commit(max(self.database.open))

    @rule(
        table=st.sampled_from(TABLES),
        key=st.sampled_from("pqrs"),
        value=st.integers(0, 3),
        began_before=st.booleans(),
    )
    def commit_while_reads_are_under_way(self, table: str, key: str, value: int, began_before: bool) -> None:
        """What was read a moment ago is not the truth any more when it arrives."""
        if began_before:
            self.write([(table, key, value)])
        for read in [key for key, reading in self.reads.items() if reading is None]:
            self.reads[read] = self._take(read)
        if not began_before:
            self.write([(table, key, value)])
        self._commit(max(self.database.open))

    @precondition(lambda self: self.greets)
    @rule()
    def greet(self) -> None:
        self._do(self.hub.greet(self.greets.pop(0), self.now))

    @precondition(lambda self: self.reads)
    @rule(data=st.data(), fail=st.integers(0, 9))
    def read(self, data: st.DataObject, fail: int) -> None:
        """A read takes its snapshot at one time and arrives at a later one."""
        key = data.draw(st.sampled_from(sorted(self.reads)))
        reading = self.reads[key]
        if fail == 0:
            del self.reads[key]
            self._do(self.hub.failed(key, True, "query_failed", ""))
        elif reading is None:
            self.reads[key] = self._take(key)
        else:
            del self.reads[key]
            self._do(self.hub.finished(key, reading, self.now))

    def _take(self, key: str) -> Reading:
        query = self.hub.query(key)
        table, descending = query.identity if query else (TABLES[0], False)  # type: ignore[misc]
        rows = self.database.rows(table, descending)
        return Reading(rows, len(rows), self.database.snapshot(), frozenset({table}))

    @precondition(lambda self: self.waits)
    @rule()
    def wait(self) -> None:
        self.now += 0.1
        wait = self.waits.pop(0)
        self._do(self.hub.due(wait.key, wait.turn, self.now))

    @invariant()
    def nothing_is_left_behind(self) -> None:
        """Only queries with subscribers exist."""
        if hasattr(self, "hub"):
            assert set(self.hub.clients()) == {s.sid for s in self.clients}
            assert len(self.hub) <= len(self.clients)

    @invariant()
    def at_rest_every_window_is_its_select(self) -> None:
        """While changes are heard and nothing is under way, nobody is stale."""
        if not hasattr(self, "hub") or not self.following or self.reads or self.waits or self.greets:
            return
        for subscriber, client in self.clients.items():
            assert client.rows == list(self.database.rows(*self.queries[subscriber]))
        assert self.hub.overdue(self.now + 1000, 1) == set()

    @rule()
    def settle(self) -> None:
        """Everything that is under way comes to its end."""
        for _ in range(1000):
            if self.greets:
                self.greet()
            elif self.waits:
                self.wait()
            elif self.reads:
                key = min(self.reads)
                reading = self.reads.pop(key) or self._take(key)
                self._do(self.hub.finished(key, reading, self.now))
            else:
                return
        raise AssertionError("the hub does not come to rest")

    def teardown(self) -> None:
        """Every run ends at the truth."""
        if hasattr(self, "hub"):
            if not self.following:
                self.begin_epoch()
            self.settle()
            self.at_rest_every_window_is_its_select()


TestHub = HubMachine.TestCase
TestHub.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
