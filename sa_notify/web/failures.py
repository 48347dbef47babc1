"""What failures of the database are told as, and whether trying again may help."""

import logging
import traceback

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout

from sa_notify.errors import SubscriptionError

#: By SQLSTATE: what subscribers are told, and what the log says is to be done.
_REASONS = {
    **dict.fromkeys(
        ("42P01", "42703", "42883", "42704", "3F000"),
        (
            "a table or column that the query reads does not exist any more",
            "run the migrations that it waits for, or start the code that fits the database",
        ),
    ),
    "42501": (
        "the database does not let the query read this",
        "grant SELECT to the role that reads, or to the owner of the view that is read",
    ),
}
_PASSING = (OperationalError, InterfaceError, PoolTimeout)


def is_passing(error: BaseException | None) -> bool:
    """Whether a failure is of the connection or the moment, not of the statement."""
    return isinstance(error, _PASSING) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def query_failed(error: Exception) -> SubscriptionError:
    """What subscribers are told of a failure: nothing of its content."""
    if isinstance(error, SubscriptionError):
        return error
    told, _ = _REASONS.get(_state(error) or "", ("the query failed; the server's log says why", ""))
    return SubscriptionError("query_failed", told)


def _state(error: Exception) -> str | None:
    original = error.orig if isinstance(error, DBAPIError) else None
    return getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)


def log_failure(logger: logging.Logger, name: str, error: Exception) -> None:
    """Say which query failed and how.

    Messages of the database may hold row values, so a failure of it is told by its SQLSTATE, and at the
    level DEBUG by where it was raised.
    """
    if isinstance(error, SubscriptionError):
        logger.info("live query %s is closed: %s", name, error.code)
    elif isinstance(error, DBAPIError):
        state, kind = _state(error), type(error.orig).__name__
        _, mend = _REASONS.get(state or "", ("", "PostgreSQL's log says more"))
        logger.warning("live query %s failed: %s, SQLSTATE %s: %s", name, kind, state, mend)
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.debug("live query %s failed in\n%s", name, where)
    else:
        logger.error("live query %s failed", name, exc_info=error)
