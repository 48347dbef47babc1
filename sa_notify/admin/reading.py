"""Reads a list page on behalf of a subscriber: rows, count, snapshot and tables of one transaction."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Flask, current_app, request
from sqlalchemy import Connection, Engine, Table, TableClause, inspect

from sa_notify.admin.access import enter, forbidden, refusals
from sa_notify.admin.address import Address
from sa_notify.admin.excluded import Excluded
from sa_notify.admin.keys import keys_of
from sa_notify.admin.page import Catch, Page
from sa_notify.admin.related import related_keys
from sa_notify.admin.statements import Statements
from sa_notify.admin.transaction import Transaction, own_session
from sa_notify.change import Key
from sa_notify.errors import ConfigurationError
from sa_notify.live.bodies import Body, key_of
from sa_notify.live.dependencies import Dependencies
from sa_notify.live.plan import Plan, TablePlan, plan_of_many
from sa_notify.live.query import Own, Reading, Row
from sa_notify.web.context import SavedRequest

_ELSEWHERE = (
    "the view is of another database than the one given to dispatcher.init_app, and nothing announces its "
    "changes here: realtime_refresh says how often it is read"
)


class ListReader:
    """Reads one page of one view whenever asked.

    :param request: whose eyes it is read with.
    """

    #: The method of the view that makes the page.
    function = "index_view"

    def __init__(self, app: Flask, view: Any, address: Address, request: SavedRequest) -> None:
        self._app = app
        self._view = view
        self._address = address
        self._request = request

    def __call__(self) -> Reading:
        """The page now.

        :raises SubscriptionError: when the subscriber may not see it any more, or it answers with an
            HTTP error.
        """
        with (
            self._address.context(self._app, self._request),
            own_session(self._view.session) as session,
            Statements().of(session) as statements,
            Excluded().of(session) as excluded,
            refusals(),
        ):
            transaction = Transaction(session, self._view.model, statements)
            enter(self._view, self._view.realtime_before_request, self.function)
            page = self._page(transaction, excluded)
            rows = page.keys() if self._address.mode == "keys" else page.rows()
            statements.recording = False
            found = statements.dependencies(declared=bool(self._view.realtime_tables))
            doubts = excluded.doubts(self._view.model, page.columns).union(found.doubts)
            found = replace(found, doubts=tuple(doubts))
            return self._reading(transaction, found, statements, page, rows)

    def _page(self, transaction: Transaction, excluded: Excluded) -> Page:
        def start() -> None:
            transaction.start()
            excluded.forget()

        keys = self._address.keys if self._address.mode == "rows" else None
        with Catch(start, keys).active() as catch:
            self._show(request.view_args or {})
        if catch.page is None:
            raise forbidden()
        return catch.page

    def _show(self, values: dict[str, Any]) -> None:
        view = self._view
        if view.realtime_shared:
            # Each subscriber's access is asked when its query is built: what one of them loses must
            # not end the reading that the others share.
            view._run_view(view.index_view.__wrapped__, **values)
        else:
            view.index_view(**values)

    def _reading(
        self,
        transaction: Transaction,
        found: Dependencies,
        statements: Statements,
        page: Page,
        rows: tuple[Row, ...],
    ) -> Reading:
        live = current_app.extensions["sa_notify"]
        connection = transaction.connection
        if not _same_database(connection, live.engine):
            # a table of the same name in the database that is followed says nothing of this one
            return Reading(rows, page.total, transaction.snapshot, frozenset(), (_ELSEWHERE,))
        plan, declared = plan_of_many(found), {table_of(item) for item in self._view.realtime_tables}
        tables = {key_of(table): TablePlan() for table in declared}
        plan = Plan({**plan.tables, **tables})
        names, doubts, own = live.coverage.judge(connection, replace(found, tables=found.tables | declared))
        only = self._only(own, statements, page) if not declared else {}
        return Reading(rows, page.total, transaction.snapshot, names, doubts, own, plan, only)

    def _only(self, own: Mapping[str, Own], statements: Statements, page: Page) -> dict[str, frozenset[Key]]:
        """In mode ``"rows"``, the rows that are shown, where their table is read for nothing else."""
        body = statements.body(inspect(self._view.model).local_table)
        if self._address.mode != "rows" or body is None:
            return {}
        found = {name: self._keys(one, body, statements, page) for name, one in own.items()}
        return {name: keys for name, keys in found.items() if keys is not None}

    def _keys(self, own: Own, body: Body, statements: Statements, page: Page) -> frozenset[Key] | None:
        """Those of one table: of the view's own, or of one that it shows through a relation."""
        shown, model = self._address.keys, self._view.model
        if own.table == key_of(inspect(model).local_table):
            return keys_of(self._view, shown, own.key)
        if statements.places(own.table) != 1:
            return None
        entities = page.entities
        return related_keys(model, body, own, entities, complete=len(entities) == len(shown))


def table_of(item: Any) -> TableClause:
    """The table of a model or a table.

    :raises ConfigurationError: when it is neither.
    """
    if isinstance(item, TableClause):
        return item
    mapper = inspect(item, raiseerr=False)
    table = getattr(mapper, "local_table", None)
    if not isinstance(table, Table):
        raise ConfigurationError(f"realtime_tables has {item!r}: name models or tables")
    return table


def _same_database(connection: Connection, engine: Engine) -> bool:
    one, other = (
        (url.host, url.port, url.database, url.query) for url in (connection.engine.url, engine.url)
    )
    return connection.engine is engine or one == other
