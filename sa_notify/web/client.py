"""What is remembered of each client that is connected."""

import json
from dataclasses import dataclass
from typing import Any

from sa_notify.live import few
from sa_notify.live.few import Few
from sa_notify.web.allowance import Allowance
from sa_notify.web.context import SavedRequest
from sa_notify.web.queries import Registered


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber asked for, kept to ask again on its behalf; one for all who share a window by it.

    :param text: the query's parameters as JSON, which takes a quarter of their memory.
    """

    registered: Registered
    text: str

    @classmethod
    def of(cls, registered: Registered, params: dict[str, Any]) -> "Wish":
        return cls(registered, json.dumps(params, separators=(",", ":")))

    @property
    def params(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass(slots=True, eq=False)
class Client:
    """One connection.

    :param request: that it was made with, in whose context its queries are built.
    :param wishes: by its own numbers.
    """

    request: SavedRequest
    allowance: Allowance
    wishes: Few[Wish] = few.EMPTY
