"""One run: faults one after the other, and after each everything has to be live and right again."""

import random
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from sa_notify.redis.keys import Keys
from tests.apps.pages import OWNERS, random_pages
from tests.faults.browser import Tab, Tabs
from tests.faults.client import LiveClient
from tests.faults.divergence import Divergence
from tests.faults.fault import FEED_SECONDS, Fault
from tests.faults.faults import FAULTS
from tests.faults.known import delivery
from tests.faults.published import Reading
from tests.faults.report import Report
from tests.faults.rig import PREFIX, Rig, revision
from tests.faults.truth import deadlocks, differing, held, queue_usage
from tests.faults.watch import Watch, Watching
from tests.faults.writers import Writers

#: What a worker that died leaves behind in Redis is gone after a minute.
FORGOTTEN_SECONDS = 60.0
#: Each worker reads a window a second again; one that was wrong is told of when the feed is proven.
PROOF_SECONDS, TOLD_SECONDS = 30.0, 3.0

#: Nobody of ours holds PostgreSQL's queue of notifications up; a listener that was cut off is gone soon.
QUEUE_USAGE, QUEUE_SECONDS = 0.01, 20.0


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
        self._dice, self._faults = random.Random(seed), faults
        self._clients, self._pages = clients, pages
        self.report = Report(seed, revision(), delivery())
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
            self._views.append(LiveClient(web.url, random_pages(self._dice, 4), owner, n, ["measures"]))
            stack.callback(self._views[-1].stop)
        self._writers = Writers(self._rig.engine, self._dice.randrange(1000))
        stack.callback(self._writers.stop)
        urls = [self._rig.webs[n % 2].url for n in range(self._pages)]
        self._tabs: list[Tab] = stack.enter_context(Tabs(urls)).tabs if urls else []
        self._rig.tabs = self._tabs
        self._watch = Watch(self._writers, FEED_SECONDS * self._patience)
        watching = Watching(self._watch, self._views)
        stack.callback(watching.stop)
        self._reading = Reading(self._rig.client, Keys(PREFIX))
        stack.callback(self._reading.stop)
        self._memory, self._divergence = self._rig.memory(), Divergence(self._rig.webs)

    def _one(self, fault: Fault) -> None:
        lasts = self._dice.uniform(*fault.seconds)
        self._watch.doing, self._watch.stale = fault.name, fault.stale * self._patience
        self._writers.known = fault.known
        self._say(f"{fault.name} for {lasts:.1f} s")
        epochs = [view.epoch for view in self._views]
        if fault.bypasses:
            self._bypass(fault)
        else:
            self._struck(fault, lasts)
        if (took := self._recovered(fault.recovery * self._patience)) is not None:
            self.report.recoveries[fault.name].append(took)
            self._say(f"  live again after {took:.1f} s")
        if fault.unnoticed and epochs != [view.epoch for view in self._views]:
            self._violation(f"{fault.name}: another epoch began")
        self._compare(fault)
        self._watch.stale, self._writers.known = FEED_SECONDS * self._patience, None

    def _struck(self, fault: Fault, lasts: float) -> None:
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

    def _bypass(self, fault: Fault) -> None:
        """Only the workers' own proofs can find what changed, and they have to say so."""
        self._writers.pause()
        self._settled(fault.rest)
        self._divergence.risen()
        fault.strike(self._rig, self._dice)()
        until, told = time.monotonic() + PROOF_SECONDS * self._patience, 0.0
        while (found := self._differing()) or not told:
            if time.monotonic() > until:
                self._violation(f"{fault.name}: {told:.0f} windows were told of, these differ: {found}")
                break
            self._look_for(0.5)
            told += self._divergence.risen()
        self._look_for(TOLD_SECONDS * self._patience)
        self._say(f"  {told + self._divergence.risen():.0f} windows were found wrong")
        self._writers.go_on()

    def _look_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()

    def _look(self) -> None:
        for n, tab in enumerate(self._tabs):
            tab.look()
            self._watch.look(f"tab {n}", tab)
            if tab.pretends(self._patience):
                self._violation(f"tab {n} is live without a network")
                tab.offline_since = None
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
        allowed = max(FEED_SECONDS, fault.stale) * self._patience
        until = time.monotonic() + (fault.recovery + fault.rest) * self._patience
        while (found := self._differing()) and time.monotonic() < until:
            now = time.monotonic()
            since = {name: since.get(name, now) for name in found if self._views_by_name[name].live}
            if late := [name for name in since if now - since[name] > allowed]:
                break
            self._look()
        else:
            late = list(found)
        for name in late:
            self._violation(f"{fault.name}, healed: {name} is live and differs in {found[name]}")

    def _compare(self, fault: Fault) -> None:
        """While nobody writes, every window equals its SELECT, and nobody but a fault made it otherwise."""
        after = fault.name
        self._writers.pause()
        if found := self._settled(fault.rest):
            self._violation(f"after {after}: {found}")
        if fault.unheard:
            self._look_for(TOLD_SECONDS * self._patience)
        for n, tab in enumerate(self._tabs if fault.reloads else ()):
            if different := tab.differs_from_reload():
                self._violation(f"after {after}: tab {n} shows {different}")
        if sessions := held(self._rig.engine):
            self._violation(f"after {after}: {sessions} of our sessions hold vacuum back")
        if not self._queue_is_read():
            self._violation(f"after {after}: the queue of notifications stays in use")
        risen = self._divergence.risen()
        if risen and not (fault.unheard or fault.bypasses):
            self._violation(f"after {after}: {risen:.0f} windows were found to be wrong")
        self._writers.go_on()

    def _settled(self, seconds: float) -> dict[str, str]:
        """Who still differs after so long, while nobody writes."""
        until = time.monotonic() + seconds * self._patience
        while (found := self._differing()) and time.monotonic() < until:
            self._look()
        return found

    def _queue_is_read(self) -> bool:
        until = time.monotonic() + QUEUE_SECONDS * self._patience
        while queue_usage(self._rig.engine) > QUEUE_USAGE and time.monotonic() < until:
            self._look()
        return queue_usage(self._rig.engine) <= QUEUE_USAGE

    def _differing(self) -> dict[str, str]:
        return dict(differing(self._rig.engine, self._views, self._tabs))

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
        found = self.report.violations
        for n, view in enumerate(self._views):
            found += [f"client {n}: {fault}" for fault in view.all_faults()]
        for n, tab in enumerate(self._tabs):
            found += [f"tab {n}: {fault}" for fault in tab.seen["faults"]]
        found += watch.violations
        found += [f"a write failed: {each}" for each in writers.errors]
        found += [f"a deadlock: {each}" for log in rig.logs() for each in deadlocks(log)]
        found += rig.unnoticed
        self._reading.stop()
        found += self._reading.published.violations
        found += [f"writes: {each.told()}" for each in rig.delays if each.too_long(self._patience)]
        before, after = self._memory, rig.memory()
        self.report.facts = {
            "transactions": f"{writers.written} committed, {writers.rolled_back} rolled back, {writers.away} "
            f"met by a PostgreSQL that was away, {writers.refused} refused by it for its own reasons",
            "views": f"{len(self._views)} protocol clients, which connected "
            f"{sum(view.connections for view in self._views)} times, and {len(self._tabs)} Chromium pages",
            "looks at a live view": f"{watch.looked}",
            "the most that a live view was behind": f"{watch.worst:.1f} s; where its own link to the server "
            f"worked, {watch.worst_heard:.1f} s",
            "windows found wrong by the workers' own proofs": f"{self._divergence.total:.0f}",
            "writes": "; ".join(each.told() for each in rig.delays) or "not measured",
            "changesets in the workers' feeds": f"{self._reading.published.changesets}",
            "resident memory": ", ".join(
                f"{name} {before[name] // 1024} -> {after[name] // 1024} MB" for name in before
            ),
        }
