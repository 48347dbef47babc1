"""What failures of the database are told as, and whether trying again may help."""

import logging
import traceback

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout

from sa_notify.errors import SubscriptionError

_PASSING = (OperationalError, InterfaceError, PoolTimeout)


def is_passing(error: BaseException | None) -> bool:
    """Whether a failure is of the connection or the moment, not of the statement."""
    return isinstance(error, _PASSING) or (isinstance(error, DBAPIError) and error.connection_invalidated)


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
        state = getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlstate", None)
        kind = type(error.orig).__name__
        logger.warning("live query %s failed: %s, SQLSTATE %s: PostgreSQL's log says more", name, kind, state)
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.debug("live query %s failed in\n%s", name, where)
    else:
        logger.error("live query %s failed", name, exc_info=error)
