"""What failures of the database are told as, and whether trying again may help."""

import logging
import traceback

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    StatementError,
    TimeoutError as PoolTimeout,
)

from sa_notify.errors import SaNotifyError, SubscriptionError

#: By SQLSTATE: what subscribers are told, and what the log says is to be done.
_REASONS = {
    **dict.fromkeys(
        ("42P01", "42703", "42704", "3F000"),
        (
            "a table or column that the query reads does not exist any more",
            "run the migrations that it waits for, or start the code that fits the database",
        ),
    ),
    "42883": (
        "the database has no such function or operator for these types",
        "run the migrations that the query waits for, or give its values the types of what they meet",
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


def sqlstate(error: BaseException | None) -> str | None:
    """What PostgreSQL calls a failure, if it came from there."""
    original = getattr(error, "orig", None)
    state = getattr(original, "pgcode", None) or getattr(original, "sqlstate", None)
    return None if state is None else str(state)


def query_failed(error: Exception) -> SubscriptionError:
    """What subscribers are told of a failure: nothing of its content."""
    if isinstance(error, SubscriptionError):
        return error
    told, _ = _REASONS.get(sqlstate(error) or "", ("the query failed; the server's log says why", ""))
    return SubscriptionError("query_failed", told)


def log_failure(logger: logging.Logger, name: str, error: Exception) -> None:
    """Say which query failed and how.

    Messages may hold values of rows and parameters (``invalid literal for int() with base 10: '...'``), so
    a failure is told by its kind, its SQLSTATE where it has one, and where it was raised.
    """
    if isinstance(error, SubscriptionError):
        logger.info("live query %s is closed: %s", name, error.code)
    elif isinstance(error, DBAPIError):
        kind, state = type(error.orig).__name__, sqlstate(error)
        _, mend = _REASONS.get(state or "", ("", "PostgreSQL's log says more"))
        logger.warning("live query %s failed: %s, SQLSTATE %s: %s", name, kind, state, mend)
        logger.debug("live query %s failed in\n%s", name, _where(error))
    elif isinstance(error, SaNotifyError):
        logger.error("live query %s failed: %s", name, error)
    elif isinstance(error, StatementError):
        logger.error("live query %s failed: %s\n%s", name, type(error.orig or error).__name__, _where(error))
    else:
        logger.error("live query %s failed: %s\n%s", name, type(error).__name__, _where(error))


def _where(error: BaseException) -> str:
    """The tracebacks of a failure and of what it came from, without their messages."""
    found: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        found.append(f"{''.join(traceback.format_tb(cause.__traceback__))}{type(cause).__name__}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(reversed(found))
