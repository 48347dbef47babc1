"""A page of one record, caught before it is rendered."""

from typing import Any, ClassVar

from flask import request

from sa_notify.admin.page import Page
from sa_notify.live.query import Row

RECORD_TEMPLATE = "sa_notify/admin/record.html"


class RecordPage(Page):
    """What a view was about to render of one record."""

    wrapper = RECORD_TEMPLATE
    #: The page's name in tokens and markup, and the start of the names of the view's attributes for it.
    kind: ClassVar[str]

    @classmethod
    def function(cls) -> str:
        """The method of the view that makes the page."""
        return f"{cls.kind}_view"

    @classmethod
    def wanted(cls, view: Any) -> bool:
        """Whether the view asks for live pages of this kind."""
        return bool(getattr(view, f"realtime_{cls.kind}"))

    @classmethod
    def is_rendered(cls, view: Any, template: str) -> bool:
        """Whether this is the page that the view renders at this moment."""
        templates = (getattr(view, f"{cls.kind}_template"), getattr(view, f"{cls.kind}_modal_template"))
        return request.endpoint == f"{view.endpoint}.{cls.function()}" and template in templates

    @classmethod
    def is_modal(cls, view: Any) -> bool:
        """Whether the current request asks for the page in a modal, as the view tells it."""
        return bool(getattr(view, f"{cls.kind}_modal") and request.args.get("modal"))

    @classmethod
    def permitted(cls, view: Any) -> bool:
        """Whether the view has such pages, for whoever asks."""
        raise NotImplementedError

    @property
    def total(self) -> None:
        """One record is not counted."""
        return

    @property
    def key(self) -> str:
        """The record's key as the view writes it."""
        return str(self._arguments["get_pk_value"](self._arguments["model"]))

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Columns with their labels, where the page is a table of them."""
        return []

    def rows(self) -> tuple[Row, ...]:
        """The record alone."""
        return ((self.key, self.values()),)

    def values(self) -> dict[str, Any]:
        """What the page shows, by name."""
        raise NotImplementedError


def no_record() -> Page:
    """Stands for the page of a record that is gone: nothing is shown."""
    return Page(str, "", {"data": [], "list_columns": [], "get_pk_value": str})
