"""What a page costs that is read again because a row crossed its edge, beside what a buffer would cost.

A buffer of a few rows behind a page spares the read when a row leaves it; a row that enters has to be read by
its key with or without one.
"""

import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, Select, create_engine

from benchmarks.live_models import ROWS, fill, ranked
from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room
from sa_notify.live.dependencies import dependencies
from sa_notify.live.query import Asked, Query
from sa_notify.live.shape import Shape, prepare
from sa_notify.web.reader import CoverageCache, Source, StatementReader
from sa_notify.web.shared import shared_by

BUFFER = 5
ROUNDS = 15


def _query(engine: Engine, statement: Select[Any], cache: CoverageCache) -> Query:
    prepared = prepare(statement)
    source = Source(engine, cache, prepared, Shape(prepared), dependencies(prepared, engine.dialect), None)
    return Query("page", object(), StatementReader(source), shared=shared_by(source))


def _milliseconds(function: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        function()
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)


def _together(asked: Sequence[Asked]) -> float:
    shared: Any = asked[0].query.shared
    shared.together(asked)
    return _milliseconds(lambda: shared.together(asked))


def main() -> None:
    """Measure, and print a table in Markdown."""
    room = temporary_room("sa-notify-bench-")
    try:
        with EmbeddedPostgres(room) as server:
            engine = create_engine(server.url)
            fill(engine, 20_000)
            cache = CoverageCache()
            print(f"| pages of {ROWS} rows | the pages | with {BUFFER} rows more | one row of each by key |")
            print("|---|---|---|---|")
            for pages in (1, 20, 200):
                plain = [_query(engine, ranked(n), cache) for n in range(pages)]
                more = [_query(engine, ranked(n).limit(ROWS + BUFFER), cache) for n in range(pages)]
                whole, wide = (_together([Asked(one) for one in each]) for each in (plain, more))
                rows = _together([Asked(one, ((str(n + 10),),)) for n, one in enumerate(plain)])
                print(f"| {pages} | {whole:.2f} ms | {wide:.2f} ms | {rows:.2f} ms |", flush=True)
            engine.dispose()
    finally:
        shutil.rmtree(room, ignore_errors=True)


if __name__ == "__main__":
    main()
