"""Batches of transactions, the dispatcher killed in every third; after each all windows equal SQL.

``make oracle-service BATCHES=50``: 200 subscriptions x 50 batches x 10 transactions x 10 mutations.
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count

from sqlalchemy import update

from tests.apps.items import Owner
from tests.apps.pages import expected_page, random_pages
from tests.faults.client import LiveClient
from tests.faults.rig import ITEMS, Rig
from tests.faults.writers import transact

#: Of a client, that of the mark among them; no client may have more.
SUBSCRIPTIONS = 50
TRANSACTIONS, MUTATIONS = 10, 10
#: Until a view has seen the mark again, a dispatcher's death included; until what it shows then is right.
LIVE_SECONDS, RIGHT_SECONDS = 20.0, 5.0


def run(
    batches: int, clients: int, seed: int, say: Callable[[str], None] = lambda _: None, patience: float = 1.0
) -> list[str]:
    """Every difference that was found.

    :param patience: how many times longer everything may take, on a machine that has other things to do.
    """
    dice, numbers, found = random.Random(seed), count(ITEMS), list[str]()
    with ExitStack() as stack:
        rig = stack.enter_context(Rig())
        views = []
        for n in range(clients):
            pages = random_pages(dice, SUBSCRIPTIONS - 1)
            views.append(LiveClient(rig.webs[n % 2].url, pages, None, n))
            stack.callback(views[-1].stop)
        for batch in range(1, batches + 1):
            began = time.monotonic()
            _write(rig, dice, numbers, batch)
            found += _differences(rig, views, batch, patience)
            say(f"batch {batch}: {time.monotonic() - began:.1f} s, differences so far: {len(found)}")
        return found + [fault for view in views for fault in view.all_faults()]


def _write(rig: Rig, dice: random.Random, numbers: "count[int]", batch: int) -> None:
    leader = rig.leader() if batch % 3 == 0 else None
    for n in range(TRANSACTIONS):
        with rig.engine.connect() as connection:
            transact(connection, dice, MUTATIONS, numbers, aborts=dice.random() < 0.05)
        if leader is not None and n == TRANSACTIONS // 2:
            leader.process.end(signal.SIGKILL)
    with rig.engine.begin() as connection:
        connection.execute(update(Owner).where(Owner.id == 0).values(name=str(batch)))
    if leader is not None:
        leader.restart()


def _differences(rig: Rig, views: list[LiveClient], batch: int, patience: float) -> list[str]:
    until = time.monotonic() + LIVE_SECONDS * patience
    while not all(view.live and view.mark >= batch for view in views):
        if time.monotonic() > until:
            return [f"batch {batch} was not seen within {LIVE_SECONDS:.0f} s"]
        time.sleep(0.02)
    until = time.monotonic() + RIGHT_SECONDS * patience
    while (found := _wrong(rig, views, batch)) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def _wrong(rig: Rig, views: list[LiveClient], batch: int) -> list[str]:
    found = []
    for n, view in enumerate(views):
        for (query, params), window in zip(view.asked, list(view.windows), strict=True):
            if query == "page" and (window is None or window.rows != expected_page(rig.engine, **params)):
                found.append(f"batch {batch}, client {n}: {params}")
    return found


def main() -> int:
    """Run; the exit status tells of differences."""
    parser = argparse.ArgumentParser(prog="make oracle-service")
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--clients", type=int, default=4, help=f"each with {SUBSCRIPTIONS} subscriptions")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    found = run(options.batches, options.clients, options.seed, lambda line: print(line, flush=True))
    print("\n".join(found[:50]))
    size = f"{options.clients * SUBSCRIPTIONS} subscriptions, {options.batches} batches"
    print(f"{size}: {len(found)} differences")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
