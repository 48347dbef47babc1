"""Whether the subscriber of a page would be given the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, request
from flask_admin.helpers import set_current_view
from werkzeug.exceptions import HTTPException

from sa_notify.errors import SubscriptionError


@contextmanager
def refusals() -> Iterator[None]:
    """What a request would be answered with, as a subscription is told it."""
    try:
        yield
    except HTTPException as error:
        if error.code in (401, 403) or (error.code is not None and error.code < 400):
            raise forbidden() from error
        raise SubscriptionError("query_failed", f"the page answers {error.code}") from error
    except PermissionError as error:
        raise forbidden() from error


def enter(view: Any, hooks: bool, function: str = "index_view") -> None:
    """Begin the request as Flask would.

    :param function: the method of the view that makes the page.
    :param hooks: whether the application's ``before_request`` functions run.
    :raises SubscriptionError: ``bad_token`` when the URL is not this page of the view, ``forbidden`` when a
        hook answers the request itself.
    """
    if request.endpoint != f"{view.endpoint}.{function}":
        raise SubscriptionError("bad_token", "the page has moved: load it again")
    if hooks:
        if current_app.preprocess_request() is not None:
            raise forbidden()
    else:
        _prepare_url_values()
    set_current_view(view)


def admit(view: Any, function: str = "index_view") -> None:
    """Ask the view whether it may be seen.

    :raises SubscriptionError: ``forbidden``.
    """
    if not view.is_accessible() or view._handle_view(function) is not None:
        raise forbidden()


def _prepare_url_values() -> None:
    for name in (None, *reversed(request.blueprints)):
        for prepare in current_app.url_value_preprocessors.get(name, ()):
            prepare(request.endpoint, request.view_args)


def forbidden() -> SubscriptionError:
    return SubscriptionError("forbidden", "you may not see this page")
