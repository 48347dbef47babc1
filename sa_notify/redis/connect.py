"""Clients of Redis: errors come soon, nothing is sent twice, and no message tells the password."""

import asyncio
from typing import Any, Final

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from sa_notify.errors import SetupError

#: Longer than any XREAD blocks.
ANSWER_SECONDS: Final = 5.0

#: What a client may raise.
FAILURES: Final = (RedisError, OSError)


def connect(url: str) -> redis.Redis:
    """A client that connects when it is first used.

    :param url: as redis-py has it: ``redis://``, ``rediss://`` (TLS) or ``unix://``.
    :raises SetupError: when the URL can't be read.
    """
    try:
        return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_OPTIONS)
    except (ValueError, TypeError) as error:
        raise _unreadable() from error


def connect_asyncio(url: str) -> redis.asyncio.Redis:
    """The same for an event loop.

    :raises SetupError: when the URL can't be read.
    """
    try:
        return redis.asyncio.Redis.from_url(url, retry=redis.asyncio.retry.Retry(NoBackoff(), 0), **_OPTIONS)
    except (ValueError, TypeError) as error:
        raise _unreadable() from error


def uncancelled() -> bool:
    """True; for the loops of tasks that use an asynchronous client.

    redis-py's can take a cancellation for a failure of its own (seen after SIGSTOP): such a task would go on.

    :raises asyncio.CancelledError: when the task was to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    return True


def told(error: BaseException) -> str:
    """A failure in a few words, without what was sent."""
    return f"Redis: {str(error).strip().partition(chr(10))[0] or type(error).__name__}"


# A table's name may hold bytes of any encoding. A script must not run twice: nothing is retried.
_OPTIONS: Final[dict[str, Any]] = {
    "decode_responses": True,
    "encoding_errors": "surrogateescape",
    "socket_timeout": ANSWER_SECONDS,
    "socket_connect_timeout": ANSWER_SECONDS,
    "socket_keepalive": True,
    "client_name": "sa_notify",
}


def _unreadable() -> SetupError:
    # the message of the parser would hold the password
    return SetupError(
        "SA_NOTIFY_REDIS_URL can't be read: redis://user:password@host:6379/0, or rediss:// for TLS"
    )
