"""Requests that an open page makes by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request, session

#: With the value "1": the browser library fetches the page anew.
HEADER = "X-SA-Notify"


@contextmanager
def unheard() -> Iterator[None]:
    """In a page's own fetch, drop what is flashed in this block.

    It was flashed when the page was loaded (an invalid filter), and would pile up for the page that is next.
    """
    before = list(session.get("_flashes", ()))
    yield
    if request.headers.get(HEADER) != "1" or session.get("_flashes", []) == before:
        return
    if before:
        session["_flashes"] = before
    else:
        session.pop("_flashes")
