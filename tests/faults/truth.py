"""What views show beside what is there."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, text

from tests.apps.pages import expected_page
from tests.apps.parted import expected_measures
from tests.faults.browser import Tab
from tests.faults.client import LiveClient

#: A session of ours that keeps a snapshot for long would keep dead rows in every table.
_HELD = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'sa_notify' AND backend_xmin IS NOT NULL AND xact_start < now() - interval '8 s'
"""
_DEADLOCK = re.compile(r"ERROR:  deadlock detected\n.*?DETAIL:  (.*?)\n[^\t]", re.DOTALL)


def differing(engine: Engine, views: Sequence[LiveClient], tabs: Sequence[Tab]) -> Iterator[tuple[str, str]]:
    """Who shows something else than what is there, and what."""
    for n, view in enumerate(views):
        for (query, params), window in zip(view.asked, list(view.windows), strict=True):
            rows = window.rows if window is not None else None
            if query in ("page", "measures") and rows != _expected(engine, query, params):
                yield f"client {n}", f"{query} {params}: {rows!r:.200}"
    expected = [row["id"] for _, row in expected_page(engine, limit=20, sort="priority")]
    for n, tab in enumerate(tabs):
        if tab.seen["rows"] != expected:
            yield f"tab {n}", f"{tab.seen['rows']} instead of {expected}"


def _expected(engine: Engine, query: str, params: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return expected_page(engine, **params) if query == "page" else expected_measures(engine)


def held(engine: Engine) -> int:
    """How many of our sessions hold vacuum back."""
    with engine.connect() as connection:
        return int(connection.scalar(text(_HELD)) or 0)


def queue_usage(engine: Engine) -> float:
    """How full the queue of notifications is, of 1."""
    with engine.connect() as connection:
        return float(connection.scalar(text("SELECT pg_notification_queue_usage()")) or 0)


def deadlocks(log: str) -> list[str]:
    """Of a server's log: who waited for whom, and with which statements."""
    return [found.replace("\n", " ") for found in _DEADLOCK.findall(log)]
