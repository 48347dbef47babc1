"""Scripts that Redis runs: each is one step that nobody sees half done."""

import time
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from sa_notify.redis.keys import Keys

#: What :mod:`publish` and :mod:`tell` answer a dispatcher that leads no longer.
FENCED: Final = "FENCED"


@cache
def source(name: str) -> str:
    """The text of ``lua/<name>.lua``."""
    return files("sa_notify.redis").joinpath("lua", f"{name}.lua").read_text("utf-8")


def mend(scripts: "Scripts", keys: Keys) -> Any:
    """Have what dispatchers share be of its kind; awaitable as :meth:`Scripts.run` is."""
    names = [keys.term, keys.tick, keys.leader, keys.workers, keys.asks, keys.revoked]
    # larger than any number of terms or ticks that was counted before
    return scripts.run("mend", names, [time.time_ns() // 1_000_000])


class Scripts:
    """Runs them through one client, synchronous or asynchronous: the answer is that client's.

    :param client: ``redis.Redis`` or ``redis.asyncio.Redis``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._made: dict[str, Any] = {}

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        """Run one; an awaitable where the client is asynchronous."""
        script = self._made.get(name)
        if script is None:
            script = self._made[name] = self._client.register_script(source(name))
        return script(keys=keys, args=arguments)
