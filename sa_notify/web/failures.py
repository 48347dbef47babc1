"""What failures of the database are told as, and whether trying again may help."""

import logging
import traceback

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout

from sa_notify.errors import SubscriptionError

_PASSING = (OperationalError, InterfaceError, PoolTimeout)


def is_passing(error: BaseException | None) -> bool:
    """Whether a failure is of the connection or the moment, not of the statement."""
    return isinstance(error, _PASSING) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def sqlstate(error: BaseException | None) -> str | None:
    """What PostgreSQL calls a failure, if it came from there."""
    original = getattr(error, "orig", None)
    state = getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)
    return None if state is None else str(state)


def query_failed(error: Exception) -> SubscriptionError:
    """What subscribers are told of a failure: nothing of its content."""
    if isinstance(error, SubscriptionError):
        return error
    return SubscriptionError("query_failed", "the query failed; the server's log says why")


def log_failure(logger: logging.Logger, name: str, error: Exception) -> None:
    """Say which query failed and how.

    Messages of the database may hold row values, so a failure of it is told by its SQLSTATE, and at the
    level DEBUG by where it was raised.
    """
    if isinstance(error, SubscriptionError):
        logger.info("live query %s is closed: %s", name, error.code)
    elif isinstance(error, DBAPIError):
        kind, state = type(error.orig).__name__, sqlstate(error)
        logger.warning("live query %s failed: %s, SQLSTATE %s: PostgreSQL's log says more", name, kind, state)
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.debug("live query %s failed in\n%s", name, where)
    else:
        logger.error("live query %s failed", name, exc_info=error)
