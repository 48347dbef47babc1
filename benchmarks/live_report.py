"""The tables, in Markdown."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One goal: ``met`` decides it.

    :param published: what others print of themselves, on machines of theirs.
    """

    goal: str
    measured: str
    met: bool
    published: str = ""


def heading(version: str, rounds: int) -> str:
    """Where and how it was measured.

    :param version: of PostgreSQL.
    """
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    return (
        f"{os.cpu_count()} cores that clients, workers and PostgreSQL share, {memory} GB, "
        f"{platform.machine()}, load {os.getloadavg()[0]:.1f} at the start,\n"
        f"Python {platform.python_version()}, PostgreSQL {version} without fsync; medians of {rounds} "
        f"round{'s' if rounds > 1 else ''}.\n"
        "Statements are what the server logged: all but the writer's, without BEGIN, COMMIT and ROLLBACK.\n"
    )


def table(lines: Iterable[Line]) -> str:
    """A row for each goal."""
    rows = ["| goal | measured | | published by others |", "|---|---|---|---|"]
    for line in lines:
        verdict = "pass" if line.met else "FAIL"
        rows.append(f"| {line.goal} | {line.measured} | {verdict} | {line.published} |")
    return "\n".join(rows)
