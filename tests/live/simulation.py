"""A hub beside a simulated database, whose reads, waits and answers happen when a test says so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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
class Gate:
    """What one table's writers look at: capture is on from the moment it is asked for."""

    asked: bool = False
    #: Open transactions that wrote without being captured.
    skipped: set[int] = field(default_factory=set)
    #: How many times in a row it was not among the tables to keep.
    unkept: int = 0


@dataclass
class Database:
    """Committed rows by table, and transactions that run, with xids given at their first write."""

    tables: dict[str, dict[str, dict[str, int]]] = field(default_factory=lambda: {t: {} for t in TABLES})
    next_xid: int = 10
    open: dict[int, dict[str, dict[str, int | None]]] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=lambda: {t: Gate() for t in TABLES})

    def begin(self, writes: dict[str, dict[str, int | None]]) -> int:
        """A transaction writes, and looks at the gates of its tables."""
        xid, self.next_xid = self.next_xid, self.next_xid + 1
        self.open[xid] = writes
        for table in writes:
            if not self.gates[table].asked:
                self.gates[table].skipped.add(xid)
        return xid

    def end(self, xid: int, commit: bool) -> set[str]:
        """A transaction ends; the tables whose changes are announced."""
        writes, captured = self.open.pop(xid), set[str]()
        for table, rows in writes.items():
            if xid in self.gates[table].skipped:
                self.gates[table].skipped.remove(xid)
            elif commit:
                captured.add(table)
            for key, value in rows.items() if commit else ():
                self.tables[table].pop(key, None)
                if value is not None:
                    self.tables[table][key] = {"v": value}
        return captured

    def take(self, tables: frozenset[str]) -> set[str]:
        """Ask for tables; those that stand, because no writer is left who was not captured."""
        for table in tables:
            self.gates[table].asked, self.gates[table].unkept = True, 0
        return {table for table in tables if not self.gates[table].skipped}

    def keep(self, tables: frozenset[str]) -> None:
        """Drop what was not wanted twice in a row: the real thing gives 30 s."""
        for table, gate in self.gates.items():
            gate.unkept = 0 if table in tables else gate.unkept + 1
            if gate.unkept >= 2:
                gate.asked = False

    def snapshot(self) -> Snapshot:
        xmin = min(self.open, default=self.next_xid)
        return Snapshot(xmin, self.next_xid, frozenset(self.open))

    def rows(self, table: str, descending: bool) -> tuple[Any, ...]:
        items = sorted(
            self.tables[table].items(), key=lambda item: (item[1]["v"], item[0]), reverse=descending
        )
        return tuple((key, dict(values)) for key, values in items)


class Simulation:
    """What a hub's runner would do, one step at a time.

    :param gated: changes of a table are announced only while it is asked for.
    """

    def __init__(self, *, gated: bool) -> None:
        self.gated = gated
        self.keys = 0
        self.hub = Hub(self._new_key)
        self.database = Database()
        self.now = 0.0
        self.clients: dict[Subscriber, Client] = {}
        self.queries: dict[Subscriber, tuple[str, bool]] = {}
        self.reads: dict[str, Reading | None] = {}
        self.waits: list[act.Wait] = []
        self.greets: list[str] = []
        self.takes: list[tuple[act.Take, set[str] | None]] = []
        self.diverged: list[str] = []
        self.following = False
        self.arrived = 0
        self.steps = 0

    def _new_key(self) -> str:
        self.keys += 1
        return f"k{self.keys}"

    def query(self, table: str, descending: bool) -> Query:
        return Query(f"{table} {descending}", (table, descending), lambda: None)  # type: ignore[arg-type,return-value]

    def do(self, actions: Sequence[act.Action]) -> None:
        for action in actions:
            match action:
                case act.Read(key):
                    assert key not in self.reads, "one read at a time"
                    self.reads[key] = None
                case act.Wait():
                    self.waits.append(action)
                case act.Take():
                    self.takes.append((action, None))
                    lanes = [take.held for take, _ in self.takes if self.hub.awaits(take)]
                    assert len(lanes) == len(set(lanes)), "one question at a time in each lane"
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
                case act.Diverged(name):
                    self.diverged.append(name)
                case act.SendDiff(key, base, window, ops):
                    self._diff(key, base, window.version, ops)
        for subscriber in [s for s in self.clients if not self.hub.subscriptions.has(s)]:
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

    # -- clients

    def subscribe(self, subscriber: Subscriber, table: str, descending: bool) -> None:
        self.clients[subscriber] = Client()
        self.queries[subscriber] = (table, descending)
        self.do(self.hub.subscribe(subscriber, self.query(table, descending), self.now)[1])

    def unsubscribe(self, subscriber: Subscriber) -> None:
        del self.clients[subscriber]
        self.do(self.hub.unsubscribe(subscriber))

    # -- the database and the feed

    def commit(self, xid: int) -> None:
        written = set(self.database.open[xid])
        captured = self.database.end(xid, commit=True)
        if self.following and (announced := captured if self.gated else written):
            self.arrived += 1
            changes = tuple(Change(table, "bulk") for table in sorted(announced))
            self.do(self.hub.receive([ChangeSet("e", self.arrived, xid, changes)], self.now))

    def begin_epoch(self) -> None:
        """A new keeper: the gates of the one before are gone with it."""
        self.following = True
        for gate in self.database.gates.values():
            gate.asked = False
        self.do(self.hub.begin_epoch(self.now, gated=self.gated))

    def make_again(self, table: str) -> None:
        """A table that is dropped and made again has the name, but not the gate; the catalog tells."""
        if any(table in writes for writes in self.database.open.values()):
            return  # DROP TABLE waits for them
        self.database.gates[table] = Gate()
        self.database.tables[table].clear()
        self.do(self.hub.suspect(self.now))

    # -- steps

    def greet(self) -> None:
        self.do(self.hub.greet(self.greets.pop(0), self.now))

    def wait(self) -> None:
        self.now += 0.1
        wait = self.waits.pop(0)
        self.do(self.hub.due(wait.key, wait.turn, self.now))

    def keep(self) -> None:
        self.database.keep(self.hub.keep().tables)

    def prove(self, seconds: float) -> None:
        self.now += seconds
        if self.following:
            self.hub.proved(self.now)
        self.do(self.hub.prove(self.now))

    def step_read(self, key: str) -> None:
        """A read takes its snapshot at one time and arrives at a later one."""
        reading = self.reads[key]
        if reading is None:
            self.reads[key] = self.reading(key)
        else:
            del self.reads[key]
            self.do(self.hub.finished(key, reading, self.now))

    def step_take(self, n: int) -> None:
        """A question is answered at one time, and the answer arrives at a later one."""
        take, stand = self.takes.pop(n)
        if stand is not None:
            self.do(self.hub.taken(take, stand, self.now))
        elif self.hub.awaits(take):
            self.takes.append((take, self.database.take(take.tables)))

    def reading(self, key: str) -> Reading:
        query = self.hub.query(key)
        table, descending = query.identity if query else (TABLES[0], False)  # type: ignore[misc]
        rows = self.database.rows(table, descending)
        return Reading(rows, len(rows), self.database.snapshot(), frozenset({table}))

    # -- rest

    @property
    def busy(self) -> bool:
        return bool(self.reads or self.waits or self.greets or self.takes)

    def step(self) -> None:
        """One thing that is under way goes on; those that pause before, in turns."""
        self.steps += 1
        if self.greets:
            self.greet()
        elif fresh := [n for n, (take, _) in enumerate(self.takes) if not take.held]:
            self.step_take(fresh[0])
        elif self.reads:
            self.step_read(min(self.reads))
        elif self.takes and (self.steps % 2 or not self.waits):
            self.step_take(0)
        elif self.waits:
            self.wait()

    def settle(self) -> None:
        """Everything comes to its end; transactions that were not captured as late as possible."""
        for xid in sorted(set[int]().union(*(gate.skipped for gate in self.database.gates.values()))):
            for _ in range(40):
                self.step()
            self.commit(xid)
        for _ in range(1000):
            if not self.busy:
                return
            self.step()
        raise AssertionError("the hub does not come to rest")

    def check(self) -> None:
        """While changes are heard and nothing is under way, nobody is stale; nothing changes unannounced."""
        assert self.diverged == []
        if not self.following or self.busy:
            return
        for subscriber, client in self.clients.items():
            assert client.rows == list(self.database.rows(*self.queries[subscriber]))
        assert self.hub.subscriptions.overdue(self.now + 1000, 1) == set()

    def finish(self) -> None:
        """Every run ends at the truth."""
        if not self.following:
            self.begin_epoch()
        self.settle()
        self.check()
