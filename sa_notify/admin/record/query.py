"""The live queries of a view's record pages."""

from typing import Any

from flask import Flask

from sa_notify.admin.access import admit, forbidden
from sa_notify.admin.address import Address
from sa_notify.admin.query import ListQuery, query_name
from sa_notify.admin.record.details import DetailsPage
from sa_notify.admin.record.form import FormPage
from sa_notify.admin.record.page import RecordPage
from sa_notify.admin.record.reading import RecordReader
from sa_notify.web.context import SavedRequest

KINDS: tuple[type[RecordPage], ...] = (DetailsPage, FormPage)


class RecordQuery(ListQuery):
    """Makes the live queries of one view's pages of one kind; each subscriber has a reading of their own."""

    def __init__(self, view: Any, kind: type[RecordPage]) -> None:
        super().__init__(view)
        self._kind = kind
        self.function = kind.function()

    @property
    def name(self) -> str:
        return record_query_name(self._view, self._kind)

    def _admit(self) -> None:
        admit(self._view, self.function)
        if not (self._kind.wanted(self._view) and self._kind.permitted(self._view)):
            raise forbidden()

    def _viewer(self, request: SavedRequest) -> tuple[tuple[str, str], ...]:
        return request.credentials

    def _reader(self, app: Flask, address: Address, request: SavedRequest) -> RecordReader:
        return RecordReader(app, self._view, self._kind, address, request)


def record_query_name(view: Any, kind: type[RecordPage]) -> str:
    """The name that the tokens of such pages carry."""
    return f"{query_name(view)}:{kind.kind}"


def record_queries(view: Any) -> dict[str, RecordQuery]:
    """The live queries that a view offers beside its list, by name."""
    queries = [RecordQuery(view, kind) for kind in KINDS]
    return {query.name: query for query in queries}
