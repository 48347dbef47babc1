"""One run: faults one after the other, and after each everything has to be live and right again."""

import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import text

from sa_notify.redis.keys import Keys
from tests.apps.pages import OWNERS, expected_page, random_pages
from tests.faults.browser import Tab, Tabs
from tests.faults.client import LiveClient
from tests.faults.faults import FAULTS, FEED_SECONDS, Fault
from tests.faults.rig import PREFIX, Rig, revision
from tests.faults.watch import Watch, Watching
from tests.faults.writers import Writers


@dataclass
class Report:
    """What a run found."""

    seed: int
    revision: str
    seconds: float = 0
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    violations: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """For people, in Markdown."""
        told = [f"Seed {self.seed}, commit {self.revision}, {self.seconds:.0f} s.", ""]
        told += [f"- {name}: {value}" for name, value in self.facts.items()]
        told.append(f"- violations: {len(self.violations)}")
        counted = Counter(self.violations).most_common(50)
        told += [*(f"  - {each} ({times} times)" for each, times in counted), ""]
        told += ["| fault | times | recovery, median | worst |", "|---|---|---|---|"]
        for name, found in sorted(self.recoveries.items()):
            told.append(f"| {name} | {len(found)} | {median(found):.1f} s | {max(found):.1f} s |")
        return told


#: A session of ours that keeps a snapshot for long would keep dead rows in every table.
_HELD = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'sa_notify' AND backend_xmin IS NOT NULL AND xact_start < now() - interval '8 s'
"""
#: What a worker that died leaves behind in Redis is gone after a minute.
FORGOTTEN_SECONDS = 60.0


class Lane:
    """The rig with its clients, pages and writers.

    :param faults: what may happen.
    :param pages: how many of Chromium.
    :param patience: how many times longer everything may take, on a machine that has other things to do.
    """

    def __init__(
        self,
        seed: int,
        *,
        faults: Sequence[Fault] = FAULTS,
        clients: int = 8,
        pages: int = 2,
        patience: float = 1.0,
    ) -> None:
        self._patience = patience
        #: Whether rows have changed and no trigger told of it.
        self._bypassed = False
        self._dice, self._faults = random.Random(seed), faults
        self._clients, self._pages = clients, pages
        self.report = Report(seed, revision())
        self._say: Callable[[str], None] = lambda _: None

    def run(self, seconds: float, say: Callable[[str], None] = lambda _: None) -> Report:
        """All kinds in turn, in an order of chance, for so long."""
        self._say = say
        with ExitStack() as stack:
            self._begin(stack)
            began, waiting = time.monotonic(), list[Fault]()
            self._recovered(30.0 * self._patience)
            while time.monotonic() - began < seconds:
                if not waiting:
                    waiting = self._dice.sample(self._faults, len(self._faults))
                self._one(waiting.pop())
            self.report.seconds = time.monotonic() - began
            if seconds > FORGOTTEN_SECONDS:
                self._forgotten()
            self._end()
        return self.report

    # -- inside

    def _begin(self, stack: ExitStack) -> None:
        self._rig = stack.enter_context(Rig())
        self._views: list[LiveClient] = []
        for n in range(self._clients):
            owner = 1 + n % (OWNERS - 1) if n % 3 == 2 else None
            web = self._rig.webs[n % 2]
            self._views.append(LiveClient(web.url, random_pages(self._dice, 4), owner, n))
            stack.callback(self._views[-1].stop)
        self._writers = Writers(self._rig.engine, self._dice.randrange(1000))
        stack.callback(self._writers.stop)
        urls = [self._rig.webs[n % 2].url for n in range(self._pages)]
        self._tabs: list[Tab] = stack.enter_context(Tabs(urls)).tabs if urls else []
        self._rig.tabs = self._tabs
        self._watch = Watch(self._writers, FEED_SECONDS * self._patience)
        watching = Watching(self._watch, self._views)
        stack.callback(watching.stop)
        self._memory = self._rig.memory()

    def _one(self, fault: Fault) -> None:
        lasts = self._dice.uniform(*fault.seconds)
        self._watch.doing, self._watch.stale = fault.name, fault.stale * self._patience
        self._say(f"{fault.name} for {lasts:.1f} s")
        heal = fault.strike(self._rig, self._dice)
        self._look_for(lasts)
        quiet = self._dice.random() < 0.5
        if quiet:
            self._writers.pause()
        heal()
        self._watch.doing = f"{fault.name}, healed"
        if quiet:
            self._rest(fault)
            self._writers.go_on()
        if (took := self._recovered(fault.recovery * self._patience)) is not None:
            self.report.recoveries[fault.name].append(took)
            self._say(f"  live again after {took:.1f} s")
        self._bypassed = self._bypassed or fault.bypasses
        self._compare(fault)
        self._watch.stale = FEED_SECONDS * self._patience

    def _look_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()

    def _look(self) -> None:
        for n, tab in enumerate(self._tabs):
            tab.look()
            self._watch.look(f"tab {n}", tab)
        time.sleep(0.1)

    def _recovered(self, limit: float) -> float | None:
        """Seconds until every view is live with a mark that was committed after now, or ``None``."""
        began, mark = time.monotonic(), self._writers.newest + 1
        views = [*self._views, *self._tabs]
        while not all(view.live and view.mark >= mark for view in views):
            if time.monotonic() - began > max(limit, 60.0):
                self._violation(f"not live within 60 s: {self._watch.doing}: {self._states()}")
                return None
            self._look()
        took = time.monotonic() - began
        if took > limit:
            self._violation(f"live after {took:.1f} s, not {limit:.0f}: {self._watch.doing}")
        return took

    def _states(self) -> str:
        return ", ".join(f"{view.live} {view.mark}" for view in [*self._views, *self._tabs])

    def _rest(self, fault: Fault) -> None:
        """No later change mends what was missed: who is live shows what is there, and all do in the end."""
        since: dict[str, float] = {}
        allowed = 0.0 if fault.bypasses else max(FEED_SECONDS, fault.stale) * self._patience
        until = time.monotonic() + (fault.recovery + fault.rest) * self._patience
        while (differing := dict(self._differing())) and time.monotonic() < until:
            now = time.monotonic()
            since = {name: since.get(name, now) for name in differing if self._views_by_name[name].live}
            if late := [name for name in since if allowed and now - since[name] > allowed]:
                break
            self._look()
        else:
            late = list(differing)
        for name in late:
            self._violation(f"{fault.name}, healed: {name} is live and differs in {differing[name]}")

    def _compare(self, fault: Fault) -> None:
        """While nobody writes, every window equals its SELECT."""
        after = fault.name
        self._writers.pause()
        until = time.monotonic() + fault.rest * self._patience
        while (differing := dict(self._differing())) and time.monotonic() < until:
            self._look()
        if differing:
            self._violation(f"after {after}: {differing}")
        with self._rig.engine.connect() as connection:
            if held := connection.scalar(text(_HELD)):
                self._violation(f"after {after}: {held} of our sessions hold vacuum back")
        self._writers.go_on()

    def _differing(self) -> Iterator[tuple[str, str]]:
        """Who shows something else than what is there, and what."""
        engine = self._rig.engine
        for n, view in enumerate(self._views):
            for (query, params), window in zip(view.asked, list(view.windows), strict=True):
                rows = window.rows if window is not None else None
                if query == "page" and rows != expected_page(engine, **params):
                    yield f"client {n}", f"{params}: {rows!r:.200}"
        expected = [row["id"] for _, row in expected_page(engine, limit=20, sort="priority")]
        for n, tab in enumerate(self._tabs):
            if tab.seen["rows"] != expected:
                yield f"tab {n}", f"{tab.seen['rows']} instead of {expected}"

    @property
    def _views_by_name(self) -> dict[str, LiveClient | Tab]:
        found: dict[str, LiveClient | Tab] = {f"client {n}": view for n, view in enumerate(self._views)}
        return found | {f"tab {n}": tab for n, tab in enumerate(self._tabs)}

    def _forgotten(self) -> None:
        """In Redis is nothing but what the workers that live have put there."""
        names = re.compile(r":(?:feed|worker|told|clients|want|partly|tally|elsewhere|rows):([^:]+)")
        until, left = time.monotonic() + FORGOTTEN_SECONDS, {""}
        while len(left) != len(self._rig.webs) and time.monotonic() < until:
            time.sleep(0.5)
            with self._rig.client() as client:
                found = [names.search(name) for name in client.scan_iter(f"{Keys(PREFIX).base}*")]
            left = {match[1] for match in found if match}
        if len(left) != len(self._rig.webs):
            self._violation(f"Redis holds keys of {len(left)} workers")

    def _violation(self, what: str) -> None:
        self._say(f"  VIOLATION: {what}")
        self.report.violations.append(what)

    def _end(self) -> None:
        rig, writers, watch = self._rig, self._writers, self._watch
        for n, view in enumerate(self._views):
            self.report.violations += [f"client {n}: {fault}" for fault in view.all_faults()]
        for n, tab in enumerate(self._tabs):
            self.report.violations += [f"tab {n}: {fault}" for fault in tab.seen["faults"]]
        self.report.violations += watch.violations
        self.report.violations += [f"a write failed: {each}" for each in writers.errors]
        divergence = sum(web.counter("sa_notify_divergence_total") for web in rig.webs)
        if divergence and not self._bypassed:
            self.report.violations.append(f"{divergence:.0f} windows were found to be wrong")
        before, after = self._memory, rig.memory()
        self.report.facts = {
            "transactions": f"{writers.written} committed, {writers.rolled_back} rolled back, "
            f"{writers.away} met by a PostgreSQL that was away",
            "views": f"{len(self._views)} protocol clients, which connected "
            f"{sum(view.connections for view in self._views)} times, and {len(self._tabs)} Chromium pages",
            "looks at a live view": f"{watch.looked}",
            "the most that a live view was behind": f"{watch.worst:.1f} s; where its own link to the server "
            f"worked, {watch.worst_heard:.1f} s",
            "windows found wrong by the workers' own proofs": f"{divergence:.0f}",
            "resident memory": ", ".join(
                f"{name} {before[name] // 1024} -> {after[name] // 1024} MB" for name in before
            ),
        }
