"""What the drivers raise, as the loss that followers know."""

import contextlib
from collections.abc import Iterator

import psycopg2

from sa_notify.errors import SourceLost


@contextlib.contextmanager
def losing() -> Iterator[None]:
    """Turn failures of the connection into :class:`~sa_notify.errors.SourceLost`."""
    try:
        yield
    except (psycopg2.Error, OSError) as error:
        raise SourceLost(first_line(error)) from error


def first_line(error: Exception) -> str:
    """The error's class and the first line of its text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no details'}"
