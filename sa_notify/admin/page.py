"""A list page caught before it is rendered, and what its cells would show."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, ClassVar

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import escape
from werkzeug.local import LocalProxy

from sa_notify.admin.look import have_looks, look_of
from sa_notify.errors import SubscriptionError
from sa_notify.live.query import Row

LIST_TEMPLATE = "sa_notify/admin/list.html"

#: Without it in a page the browser library leaves the page alone.
MARK = "data-sa-notify-bar"

_TABLE = re.compile(r"<table[^>]*\bmodel-list\b")

#: The name under which a row carries its look, beside its columns.
LOOK = ""


def is_marked(html: str, has_rows: bool) -> bool:
    """Whether a rendered page has what the browser library needs, which its template might not use."""
    if "data-sa-parts" in html:
        return "data-sa-live" in html
    return MARK in html and _TABLE.search(html) is not None and ("data-sa-key" in html or not has_rows)


class Page:
    """What a view was about to render.

    :param render: Flask-Admin's own ``render``, for formatters that need the page's macros.
    :param template: the list template that the view asked for.
    :param arguments: what the view gave it.
    """

    #: Our template, which extends the view's own.
    wrapper: ClassVar[str] = LIST_TEMPLATE

    def __init__(self, render: Callable[..., Any], template: str, arguments: Mapping[str, Any]) -> None:
        self._render = render
        self._template = template
        self._arguments = arguments

    @property
    def total(self) -> int | None:
        """How many rows there are on all pages; ``None`` where the view does not count."""
        count = self._arguments.get("count")
        return None if count is None else int(count)

    @property
    def entities(self) -> list[Any]:
        """What the rows are of."""
        return list(self._arguments["data"])

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [column for column, _ in self._arguments["list_columns"]]

    def rows(self) -> tuple[Row, ...]:
        """The rows as they would be shown.

        :raises SubscriptionError: when two rows have one key, so that a browser can't tell them apart.
        """
        return self._rows(self._row)

    def keys(self) -> tuple[Row, ...]:
        """The same rows without their cells.

        :raises SubscriptionError: as :meth:`rows`.
        """
        return self._rows(lambda _: {})

    def _rows(self, row: Callable[[Any], dict[str, str]]) -> tuple[Row, ...]:
        key_of = self._arguments["get_pk_value"]
        rows = tuple((str(key_of(entity)), row(entity)) for entity in self._arguments["data"])
        if len({key for key, _ in rows}) != len(rows):
            raise SubscriptionError("query_failed", "the list has two rows with the same primary key")
        return rows

    def _row(self, entity: Any) -> dict[str, str]:
        cells = self._cells(entity)
        if self._have_looks:
            cells[LOOK] = look_of(self._context.derived({"row": entity}), entity)
        return cells

    def _cells(self, entity: Any) -> dict[str, str]:
        get_value = self._arguments["get_value"]
        context = LocalProxy(lambda: self._context)
        before = (context,) if hasattr(get_value, "jinja_pass_arg") else ()
        return {column: str(escape(get_value(*before, entity, column))) for column in self.columns}

    @cached_property
    def _have_looks(self) -> bool:
        return have_looks(self._context)

    @cached_property
    def _context(self) -> Context:
        """The page's template context with what its templates import and define.

        Only macros need it (``macro("...")`` formatters). No block is rendered: the page's menu, for one,
        would ask every other view whether it is accessible.
        """
        found: list[Context] = []

        @pass_context
        def take(context: Context) -> None:
            context.blocks = _NoBlocks(context.blocks)
            found.append(context)

        arguments = {**self._arguments, "data": [], "sa_notify_base": self._template}
        self._render(self.wrapper, **arguments, sa_notify_context=take)
        found[0].blocks = dict(found[0].blocks)
        return found[0]


class _NoBlocks(dict[str, list[Callable[[Context], Iterator[str]]]]):
    """A template's blocks, each of which renders nothing."""

    def __getitem__(self, name: str) -> list[Callable[[Context], Iterator[str]]]:
        return [_nothing]


def _nothing(_context: Context) -> Iterator[str]:
    return iter(())


class Catch:
    """Catches the list page that an index view makes while :meth:`active`.

    :param start: called when the view has admitted the subscriber and begins to work.
    :param keys: the rows to show instead of those the page's arguments select.
    """

    def __init__(self, start: Callable[[], None], keys: tuple[str, ...] | None = None) -> None:
        self.page: Page | None = None
        self.keys = keys
        self._start = start
        self._started = False

    @contextmanager
    def active(self) -> Iterator["Catch"]:
        token = _CATCH.set(self)
        try:
            yield self
        finally:
            _CATCH.reset(token)

    def start(self) -> None:
        """Once for each reading."""
        if not self._started:
            self._started = True
            self._start()


def catching() -> Catch | None:
    """Whoever waits for a list page in this context."""
    return _CATCH.get()


_CATCH: ContextVar[Catch | None] = ContextVar("sa_notify_admin_catch", default=None)
