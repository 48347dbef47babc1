"""One kind of fault, and what is allowed while it lasts."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.known import Known

if TYPE_CHECKING:
    from tests.faults.rig import Rig

Heal = Callable[[], None]
#: A view whose server hears nothing says so within 3 s; one that hears nothing itself, after 5 s of silence.
FEED_SECONDS, SILENT_SECONDS = 3.0, 6.5
#: DDL is announced by nobody: it is looked for every 5 s, and what it changed is read then.
DDL_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind.

    :param strike: does it; gives back what heals it.
    :param seconds: how long it lasts, from and to.
    :param recovery: seconds after which everything is live again at the latest.
    :param stale: how old what a live view shows may be meanwhile.
    :param rest: until windows are right afterwards, while nobody writes.
    :param unheard: rows change and nothing tells of it, so windows may be found wrong by the workers' proofs.
    :param bypasses: rows change past triggers: while nobody else writes, a worker has to find that out.
    :param known: what writers are refused by PostgreSQL meanwhile, whoever is there.
    :param unnoticed: it means nothing to us: no epoch ends.
    :param reloads: pages show afterwards what a reload shows.
    """

    name: str
    strike: "Callable[[Rig, random.Random], Heal]"
    seconds: tuple[float, float] = (1.0, 4.0)
    recovery: float = 15.0
    stale: float = FEED_SECONDS
    rest: float = 5.0
    unheard: bool = False
    bypasses: bool = False
    known: Known | None = None
    unnoticed: bool = False
    reloads: bool = False


def nothing() -> None:
    """Heals by itself."""
