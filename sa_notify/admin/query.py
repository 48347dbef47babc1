"""The live query of a list page: what the dispatcher asks for when a page's token arrives."""

from typing import Any

from flask import Flask, current_app

from sa_notify.admin.access import admit, enter, refusals
from sa_notify.admin.address import Address
from sa_notify.admin.reading import ListReader
from sa_notify.admin.transaction import own_session
from sa_notify.live.query import Query
from sa_notify.web.context import SavedRequest


class ListQuery:
    """Makes the live queries of one view's list pages.

    :param view: a Flask-Admin view with :class:`sa_notify.admin.RealtimeMixin`.
    """

    token_only = True
    #: The method of the view that makes the page.
    function = "index_view"

    def __init__(self, view: Any) -> None:
        self._view = view

    @property
    def name(self) -> str:
        return query_name(self._view)

    def here(self) -> dict[str, Any]:
        """Parameters of the page that the current request asks for."""
        return Address.here().dump()

    def build(self, params: dict[str, Any], request: SavedRequest) -> Query:
        """The live query of the page that ``params`` name, for one subscriber.

        :raises SubscriptionError: ``forbidden`` or ``bad_token``.
        """
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        address = Address.load(params)
        with address.context(app, request), own_session(self._view.session), refusals():
            # An application may guard its admin in before_request alone.
            enter(self._view, hooks=True, function=self.function)
            self._admit()
        identity = ("admin", id(app), self._view.endpoint, address.identity, self._viewer(request))
        read = self._reader(app, address, request)
        return Query(self.name, identity, read, self._view.realtime_refresh, by_tally=address.mode == "keys")

    def _admit(self) -> None:
        admit(self._view)

    def _viewer(self, request: SavedRequest) -> tuple[tuple[str, str], ...]:
        return () if self._view.realtime_shared else request.credentials

    def _reader(self, app: Flask, address: Address, request: SavedRequest) -> ListReader:
        return ListReader(app, self._view, address, request)


def query_name(view: Any) -> str:
    """The name that the view's tokens carry; endpoints are unique in an application."""
    return f"admin:{view.endpoint}"
