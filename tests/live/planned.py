"""A hub whose queries have plans, beside a simulated database whose changes carry values."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Select, Table, select

from sa_notify.change import Change, ChangeSet
from sa_notify.live import actions as act
from sa_notify.live.dependencies import dependencies
from sa_notify.live.known import Looked
from sa_notify.live.plan import Plan, plan_of
from sa_notify.live.query import Own, Query, Reading
from sa_notify.live.resolve import POSTGRESQL
from sa_notify.live.snapshot import Snapshot
from tests.live.simulation import Simulation

NAME = "public.a"
TABLE = Table(
    "a", MetaData(), Column("id", Integer, primary_key=True), Column("v", Integer), Column("n", Integer)
)
COLUMNS = ("v", "n")

#: The values of v and n.
Values = tuple[int | None, int | None]


@dataclass(frozen=True)
class Listed:
    """One page of a list: filter, order and page."""

    low: int | None
    points: tuple[int, ...] | None
    descending: bool
    limit: int | None
    offset: int
    total: bool
    by_key: bool = False

    def statement(self) -> Select[Any]:
        found = select(TABLE.c.id, TABLE.c.v, TABLE.c.n)
        if self.low is not None:
            found = found.where(TABLE.c.v >= self.low)
        if self.points is not None:
            found = found.where(TABLE.c.v.in_(self.points))
        place = TABLE.c.v.desc() if self.descending else TABLE.c.v
        found = found.order_by(TABLE.c.id) if self.by_key else found.order_by(place, TABLE.c.id)
        return found.limit(self.limit).offset(self.offset)

    def plan(self) -> Plan:
        statement = self.statement()
        return plan_of(statement, dependencies(statement, POSTGRESQL), POSTGRESQL)

    def all(self, rows: dict[int, Values]) -> list[tuple[int, Values]]:
        """As PostgreSQL would list them: NULLs are greatest."""
        found = [(id_, values) for id_, values in rows.items() if self._matches(values[0])]

        def place(row: tuple[int, Values]) -> tuple[float, int]:
            v = float("inf") if row[1][0] is None else row[1][0]
            return (-v if self.descending else v, row[0])

        return sorted(found, key=lambda row: row[0]) if self.by_key else sorted(found, key=place)

    def _matches(self, v: int | None) -> bool:
        if self.low is not None and (v is None or v < self.low):
            return False
        return self.points is None or v in self.points

    def window(self, rows: dict[int, Values]) -> tuple[tuple[Any, ...], int | None]:
        found = self.all(rows)
        end = None if self.limit is None else self.offset + self.limit
        return tuple(map(_row, found[self.offset : end])), len(found) if self.total else None


def _row(found: tuple[int, Values]) -> tuple[str, dict[str, Any]]:
    return str(found[0]), {"id": found[0], "v": found[1][0], "n": found[1][1]}


Write = tuple[int, Values | None]


class Planned(Simulation):
    """One table, transactions that run one beside the other on rows of their own."""

    def __init__(self) -> None:
        super().__init__(gated=False)
        self.rows: dict[int, Values] = {}
        self.writing: dict[int, list[Write]] = {}
        self.next_xid = 10
        self.plans: dict[Listed, Plan] = {}
        self.patches: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self.read, self.patched = 0, 0
        self.feed: list[ChangeSet] = []
        #: What is looked up, and what was found.
        self.looks: list[tuple[act.Look, Looked | None]] = []
        self.looked = 0

    def query(self, listed: Any, _: Any = None) -> Query:  # type: ignore[override]
        plan = self.plans.setdefault(listed, listed.plan())
        shared: Any = "its rows can be read by their keys"
        return Query("q", listed, lambda: None, plan=plan, shared=shared)  # type: ignore[arg-type,return-value]

    # -- transactions

    def begin(self, writes: list[Write]) -> int:
        """Rows that another transaction has written are locked: they are left out."""
        locked = {id_ for pending in self.writing.values() for id_, _ in pending}
        xid, self.next_xid = self.next_xid, self.next_xid + 1
        self.writing[xid] = [write for write in writes if write[0] not in locked]
        return xid

    def end(self, xid: int, commit: bool, values: bool = True, late: bool = False) -> None:
        """A transaction ends; what it did is heard in order of commit, perhaps later."""
        changes = []
        for id_, new in self.writing.pop(xid) if commit else ():
            old = self.rows.pop(id_, None)
            if new is not None:
                self.rows[id_] = new
            if old != new:
                changes.append(_change(id_, old, new, values))
        if changes:
            self.arrived += 1
            self.feed.append(ChangeSet("e", self.arrived, xid, tuple(changes)))
        if not late:
            self.hear()

    def hear(self) -> None:
        heard, self.feed = self.feed, []
        self.do(self.hub.receive(heard, self.now))

    def snapshot(self) -> Snapshot:
        return Snapshot(min(self.writing, default=self.next_xid), self.next_xid, frozenset(self.writing))

    # -- reading

    def do(self, actions: Any) -> None:
        super().do([action for action in actions if not isinstance(action, act.Patch)])
        for action in actions:
            if isinstance(action, act.Patch):
                assert action.key not in self.reads and action.key not in self.patches, "one read at a time"
                self.patches[action.key] = (action.rows, None)
            elif isinstance(action, act.Read):
                self.read += 1
            elif isinstance(action, act.Look):
                assert action.table not in [look.table for look, _ in self.looks], "one question at a time"
                self.looks.append((action, None))

    def reading(self, key: str) -> Reading:
        query = self.hub.query(key)
        if query is None:
            return Reading((), None, self.snapshot(), frozenset({NAME}))
        rows, total = query.identity.window(self.rows)  # type: ignore[attr-defined]
        own = {NAME: Own((None, "a"), ("id",))}
        return Reading(rows, total, self.snapshot(), frozenset({NAME}), own=own)

    def step_patch(self, key: str) -> None:
        """Rows are read at one time, and arrive at a later one."""
        keys, found = self.patches[key]
        query = self.hub.query(key)
        if found is None and query is not None:
            listed: Any = query.identity
            there = dict(map(_row, listed.all(self.rows)))
            self.patches[key] = (keys, {k: there[k] for (k,) in keys if k in there})
            return
        del self.patches[key]
        self.patched += 1
        self.do(self.hub.patched(key, found or {}, self.now))

    def step_look(self, *, fails: bool = False) -> None:
        """New values are read at one time, and arrive at a later one; or can't be read."""
        look, looked = self.looks[0]
        if looked is None:
            wanted = self.hub.look(look)
            self.looked += 1
            rows = {(str(id_),): dict(zip(COLUMNS, values, strict=True)) for id_, values in self.rows.items()}
            keys = wanted.keys if wanted else ()
            there = {key: {c: rows[key][c] for c in wanted.columns} for key in keys if key in rows}
            self.looks[0] = (look, Looked(self.snapshot(), there))
            return
        del self.looks[0]
        self.now += 0.1
        self.do(self.hub.looked(look, None if fails else looked, self.now))

    @property
    def busy(self) -> bool:
        return super().busy or bool(self.patches or self.feed or self.looks)

    def step(self) -> None:
        if self.looks:
            self.step_look()
        elif self.patches:
            self.step_patch(min(self.patches))
        elif self.feed:
            self.hear()
        else:
            super().step()

    def settle(self) -> None:
        for _ in range(2000):
            if not self.busy:
                return
            self.step()
        raise AssertionError("the hub does not come to rest")

    def check(self) -> None:
        """While nothing is under way, every window is what the database has."""
        assert self.diverged == []
        if self.busy:
            return
        for client in self.clients.values():
            live = self.hub.subscriptions.get(client.key or "")
            assert live is not None and live.window is not None
            rows, total = live.query.identity.window(self.rows)  # type: ignore[attr-defined]
            assert (client.rows, live.window.total, client.version) == (
                list(rows),
                total,
                live.window.version,
            )
            assert live.stale_since is None


def _change(id_: int, old: Values | None, new: Values | None, values: bool) -> Change:
    op = "insert" if old is None else "delete" if new is None else "update"
    before, after = old or (None, None), new or (None, None)
    pairs = {name: (before[n], after[n]) for n, name in enumerate(COLUMNS)}
    changed = tuple(name for name, (one, other) in pairs.items() if one != other)
    columns = changed if op == "update" else None
    return Change(NAME, op, (str(id_),), columns, pairs if values else {})  # type: ignore[arg-type]
