"""Reads the page of one record on behalf of a subscriber."""

from typing import Any

from flask import Flask, request
from flask_admin.model.helpers import get_mdict_item_or_list
from sqlalchemy.exc import NoResultFound
from werkzeug.exceptions import NotFound

from sa_notify.admin.address import Address
from sa_notify.admin.excluded import Excluded
from sa_notify.admin.page import Page
from sa_notify.admin.reading import ListReader
from sa_notify.admin.record.page import RecordPage, no_record
from sa_notify.admin.transaction import Transaction
from sa_notify.errors import SubscriptionError
from sa_notify.web.context import SavedRequest


class RecordReader(ListReader):
    """Reads one record's page whenever asked; no row when the record is gone."""

    def __init__(
        self, app: Flask, view: Any, kind: type[RecordPage], address: Address, request: SavedRequest
    ) -> None:
        super().__init__(app, view, address, request)
        self._kind = kind
        self.function = kind.function()

    def _page(self, transaction: Transaction, excluded: Excluded) -> Page:
        try:
            return super()._page(transaction, excluded)
        except (NotFound, NoResultFound, SubscriptionError):
            if transaction.started and self._kind.permitted(self._view) and self._is_gone():
                return no_record()
            raise

    def _show(self, values: dict[str, Any]) -> None:
        getattr(self._view, self.function)(**values)

    def _is_gone(self) -> bool:
        """Ask the view itself, as its page does; each view has its own way to say no."""
        key = get_mdict_item_or_list(request.args, "id")
        if key is None:
            return False
        try:
            return self._view.get_one(key) is None
        except (NotFound, NoResultFound):
            return True
