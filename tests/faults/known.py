"""What PostgreSQL refuses a writer for its own reasons."""

import os
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

#: An error that comes out of a function of ours names it there.
_OURS = "sa_notify"


@dataclass(frozen=True, slots=True)
class Known:
    """Errors of writers that are no fault of ours.

    :param sqlstate: of the error.
    :param words: of its message.
    """

    sqlstate: str
    words: str

    def explains(self, error: DBAPIError) -> bool:
        """Whether it is one of these, and of the writer's own statement."""
        context = getattr(getattr(error.orig, "diag", None), "context", None) or ""
        return (
            getattr(error.orig, "pgcode", None) == self.sqlstate
            and self.words in str(error.orig)
            and _OURS not in context
        )


def delivery() -> str:
    """How changes travel in this run."""
    return os.environ.get("SA_NOTIFY_DELIVERY", "outbox")
