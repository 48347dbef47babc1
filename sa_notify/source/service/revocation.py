"""Somebody's access ends, or may: what workers tell each other of it."""

import json
from typing import Any, NamedTuple


class Revocation(NamedTuple):
    """What every worker is to do.

    :param user: about the clients of this user; ``None``: of everybody.
    :param dismiss: end their connections, rather than ask again whether they may see what they see.
    """

    user: str | None
    dismiss: bool = False

    def dump(self) -> str:
        """As JSON, which :meth:`of` reads."""
        return json.dumps(self._asdict())

    @classmethod
    def of(cls, text: str) -> "Revocation":
        """Read what another worker wrote.

        :raises ValueError: when it is nothing of the kind.
        """
        told: Any = json.loads(text)
        if not isinstance(told, dict) or "user" not in told:
            raise ValueError("it is no revocation")
        user = told["user"]
        return cls(None if user is None else str(user), told.get("dismiss") is True)
