"""To the links between processes."""

import random
from collections.abc import Callable, Sequence

from tests.faults.fault import Heal
from tests.faults.rig import Rig
from tests.link import Link

Choose = Callable[[Rig, random.Random], Sequence[Link]]
#: Of a poor mobile connection.
SLOW_BYTES = 64_000


def link(choose: Choose, how: str) -> Callable[[Rig, random.Random], Heal]:
    """Have links hang, be half open, late, slow, refused or reset."""

    def strike(rig: Rig, dice: random.Random) -> Heal:
        links = choose(rig, dice)
        for each in links:
            _do(each, how, dice)
        # what was held back comes late, or never
        comes = dice.random() < 0.5 or how in ("late", "slow")
        return lambda: [each.resume() if comes else each.heal() for each in links] and None

    return strike


def _do(link: Link, how: str, dice: random.Random) -> None:
    if how == "hangs":
        link.hang()
    elif how == "half-open":
        link.half_open(dice.randrange(2))
    elif how == "late":
        link.delay(0.2)
    elif how == "slow":
        link.throttle(SLOW_BYTES)
    elif how == "refused":
        link.refuse()
    else:
        link.reset()


def leaders_postgres(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [rig.leading().postgres]


def leaders_redis(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [rig.leading().redis]


def workers_redis(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [dice.choice(rig.webs).redis]


def workers_postgres(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [dice.choice(rig.webs).postgres]


def clients(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [dice.choice(rig.webs).clients]


def all_clients(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [each.clients for each in rig.webs]


def every_redis(rig: Rig, dice: random.Random) -> Sequence[Link]:
    return [each.redis for each in (*rig.dispatchers, *rig.webs)]
