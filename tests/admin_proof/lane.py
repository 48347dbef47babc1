"""Runs the proof: opens every view, writes, and compares."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Self

import psycopg
from playwright.sync_api import Browser, Page
from sqlalchemy import URL, make_url

from tests.admin_proof import writes
from tests.admin_proof.addresses import address
from tests.admin_proof.models import db
from tests.admin_proof.site import PREFIX, make_app, path_of
from tests.admin_proof.tab import Lines, Mirror, Tab, difference
from tests.admin_proof.views import Case, cases
from tests.serving import serve

#: How often an address is drawn again because its list would be empty.
DRAWS = 8


@dataclass
class Report:
    """What a run found."""

    seed: int
    views: int = 0
    compared: int = 0
    transactions: int = 0
    differences: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        counted = f"{self.views} views, {self.transactions} transactions, {self.compared} pages compared"
        return [*self.differences, f"seed {self.seed}: {counted}, {len(self.differences)} differ"]


class Lane:
    """A seed's views, served over two databases, and their pages in a browser; ends with its ``with`` block.

    :param chosen: the views' features.
    :param urls: of the two databases, empty.
    """

    def __init__(self, seed: int, chosen: Sequence[str], urls: tuple[str, str], browser: Browser) -> None:
        self.report = Report(seed)
        self._chance = Random(seed)
        self._urls, self._browser, self._chosen = urls, browser, chosen
        self._cases = cases(seed, chosen)
        self._app = make_app(*urls, seed, chosen)
        self._queries: dict[int, str] = {}
        self._tabs: dict[int, Tab] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._main, self._archive = (self._stack.enter_context(_connected(url)) for url in self._urls)
            self._stack.callback(self._dispose)
            self._fill()
            self._base = self._stack.enter_context(self._served())
            # one for all: scripts are then loaded once
            self._context = self._browser.new_context(viewport={"width": 1200, "height": 800})
            self._stack.callback(self._context.close)
            self.mirror = Mirror(self._page())
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(exc_type, exc, trace)

    def run(self, rounds: int, say: Callable[[str], None], size: int | None = None) -> Report:
        """Open the pages; then write and compare, so many times.

        :param size: of so many views, from the first on; of all, when not given.
        """
        self._compared = self._cases[:size]
        self.report.views = len(self._compared)
        for case in self._compared:
            self.tab(case)
        say(f"{len(self._tabs)} pages are live")
        for turn in range(rounds):
            self._write(turn)
            self._compare()
            say(f"round {turn + 1}: {len(self.report.differences)} differences")
        return self.report

    def case(self, feature: str) -> Case:
        """The first view with this feature."""
        return next(case for case in self._cases if case.feature == feature)

    def tab(self, case: Case) -> Tab:
        """Its page, open and live."""
        if case.number not in self._tabs:
            url = f"{self._base}{path_of(case)}?{self._queries[case.number]}"
            tab = self._tabs[case.number] = Tab(self._page(), url)
            tab.open()
        return self._tabs[case.number]

    def execute(self, *statements: writes.Statement) -> None:
        """Write in one transaction, which can't fail."""
        for sql, values in statements:
            self._main.execute(sql, values)  # type: ignore[arg-type]
        self._main.commit()

    def _page(self) -> Page:
        return self._context.new_page()

    # -- the site

    def _served(self) -> Any:
        environment = {
            "DATABASE_URL": self._urls[0],
            "ARCHIVE_URL": self._urls[1],
            "PROOF_SEED": str(self.report.seed),
            "PROOF_FEATURES": json.dumps(self._chosen),
        }
        return serve("tests.admin_proof.wsgi:app", workers=2, env=environment)

    def _fill(self) -> None:
        with self._app.app_context():
            db.create_all()
        self._execute(self._main, writes.seed(self._chance))
        for _ in range(5):
            self._execute(self._archive, writes.letters(self._chance))
        self._draw()

    def _draw(self) -> None:
        """Choose each view's address, with rows on it where that is possible."""
        views = {view.endpoint: view for admin in self._app.extensions["admin"] for view in admin._views}
        client = self._app.test_client()
        for case in self._cases:
            path = path_of(case).removeprefix(PREFIX)
            for _ in range(DRAWS):
                query = self._queries[case.number] = address(case, views[case.endpoint], self._chance)
                if "data-sa-key" in client.get(f"{path}?{query}").get_data(as_text=True):
                    break

    def _dispose(self) -> None:
        with self._app.app_context():
            for engine in db.engines.values():
                engine.dispose()

    # -- writing

    def _write(self, turn: int) -> None:
        for statements in writes.transactions(turn, self._chance):
            self.report.transactions += self._execute(self._main, statements)
        if self._chance.random() < 0.3:
            self.report.transactions += self._execute(self._archive, writes.letters(self._chance))

    def _execute(self, connection: psycopg.Connection[Any], statements: list[writes.Statement]) -> bool:
        """Run them as one transaction; now and then it is rolled back, by chance or by a constraint."""
        try:
            for sql, values in statements:
                connection.execute(sql, values)  # type: ignore[arg-type]
        except psycopg.errors.IntegrityError:
            connection.rollback()
            return False
        if self._tabs and self._chance.random() < 0.1:
            connection.rollback()
            return False
        connection.commit()
        return True

    # -- comparing

    def _compare(self) -> None:
        expected = {}
        for case in self._compared:
            tab = self.tab(case)
            expected[case.number] = lines = self.mirror.lines(tab.url)
            self._settle(case, tab, lines)
        for case in self._compared:  # what came late may not have spoilt it
            self._check(case, self.tab(case), expected[case.number])

    def _settle(self, case: Case, tab: Tab, expected: Lines) -> None:
        self.report.compared += 1
        if case.options.get("realtime_mode") == "rows" and (wrong := tab.rows_differ(expected)):
            self._differs(case, tab, f"rows that stand\n{wrong}")
        if wrong := tab.wait_for(expected):
            self._differs(case, tab, wrong)

    def _check(self, case: Case, tab: Tab, expected: Lines) -> None:
        tab.wait_live()
        state = tab.state()
        if state != {"notReloaded": True, "ran": False, "dot": "live"}:
            self._differs(case, tab, str(state))
        elif found := difference(tab.lines(), expected):
            self._differs(case, tab, f"in the end\n{found}")
        while tab.errors:
            self._differs(case, tab, tab.errors.pop())

    def _differs(self, case: Case, tab: Tab, found: str) -> None:
        self.report.differences.append(
            f"view {case.number}, {case.feature}, {tab.url}\n{_described(case)}\n{found}"
        )


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    plain: URL = make_url(url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False)) as connection:
        yield connection


def _described(case: Case) -> str:
    return "\n".join(f"    {name} = {value!r}" for name, value in case.options.items())


def any_seed() -> int:
    """A seed of its own for each run."""
    return random.SystemRandom().randrange(10_000)
