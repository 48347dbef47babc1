"""Flask-Admin model views whose pages are live."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, current_app
from flask_admin import BaseView
from flask_admin.contrib.sqla import ModelView

from sa_notify.admin.address import Address
from sa_notify.admin.background import unheard
from sa_notify.admin.keys import pk_columns, rows_by_key
from sa_notify.admin.look import look_of
from sa_notify.admin.page import LIST_TEMPLATE, MARK, Page, catching, is_marked
from sa_notify.admin.query import ListQuery, query_name
from sa_notify.admin.reading import table_of
from sa_notify.admin.record.query import record_queries
from sa_notify.admin.record.render import render_record
from sa_notify.admin.transaction import check_session, is_postgresql
from sa_notify.errors import ConfigurationError, SetupError

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    _Base = ModelView
else:
    _Base = object


def _check_model_view(view: type) -> None:
    if ModelView not in view.__mro__:
        raise ConfigurationError(
            f"{view.__name__} has no flask_admin.contrib.sqla.ModelView: inherit from it too; views of other "
            "kinds become live with dispatcher.query and saNotify.subscribe"
        )


class RealtimeMixin(_Base):
    """Makes the pages of a Flask-Admin SQLAlchemy view live; comes before the view class.

    Two things differ from Flask-Admin's list. Its ORDER BY ends with the primary key, because a page of
    rows in no full order has no one right content. And its template, whichever it is, is extended block
    by block by one that gives each row its key.
    """

    #: ``"query"``: the page follows its filters, sorts, search and page number. ``"rows"``: the rows
    #: on the page are kept up to date, and a banner says that others changed.
    realtime_mode: Literal["query", "rows"] = "query"
    #: The list looks the same to all who may see it (``get_query`` and formatters do not use the
    #: user, the session or the language): one reading serves them all.
    realtime_shared: bool = False
    #: Models or tables that the list depends on in ways that can't be seen: what it reads by SQL written as
    #: text, or past the view's session.
    realtime_tables: Sequence[Any] = ()
    #: Seconds between readings where a change could go unannounced: a table that is not ``@realtime``.
    realtime_refresh: float = 2.0
    #: Run the application's ``before_request`` functions for each reading too, where ``get_query`` or a
    #: formatter needs what they leave in ``g``. (They always run when a page subscribes, and each minute.)
    realtime_before_request: bool = False
    #: The details page, and its modal, follow their record.
    realtime_details: bool = True
    #: The edit form, and its modal, say what somebody else changes in the record meanwhile.
    realtime_edit: bool = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        order = cls.__mro__
        if ModelView in order and order.index(ModelView) < order.index(RealtimeMixin):
            raise ConfigurationError(
                f"{cls.__name__} has RealtimeMixin after the view class: write "
                f"class {cls.__name__}(RealtimeMixin, ModelView)"
            )
        # one without a view yet is a mixin of one's own
        if BaseView in order:
            _check_model_view(cls)

    def __init__(self, model: Any, session: Any, *args: Any, **kwargs: Any) -> None:
        _check_model_view(type(self))
        check_session(session)
        _check_options(self)
        super().__init__(model, session, *args, **kwargs)
        self._warned_of: set[str] = set()

    def create_blueprint(self, admin: Any) -> Any:
        """Register the view, and its pages as live queries of the application."""
        app = admin.app
        queries = app.extensions.setdefault("sa_notify.queries", {})
        queries.update({query_name(self): ListQuery(self), **record_queries(self)})
        if "sa_notify_admin" not in app.blueprints:
            app.register_blueprint(Blueprint("sa_notify_admin", __name__, template_folder="templates"))
        return super().create_blueprint(admin)

    def render(self, template: str, **kwargs: Any) -> Any:
        """Render a page; those of the list and of one record as live ones."""
        if template != self.list_template:
            return render_record(self, super().render, template, kwargs)
        catch = catching()
        if catch is not None:
            catch.page = Page(super().render, template, kwargs)
            return ""
        kwargs.update(self._realtime_arguments(kwargs["data"]))
        html = super().render(LIST_TEMPLATE, **kwargs, sa_notify_base=template, sa_notify_look=look_of)
        if "sa_notify_token" in kwargs and not is_marked(html, bool(kwargs["data"])):
            self._warn_of_template(template)
            html = html.replace(MARK, "data-sa-notify-off", 1)
        return html

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """The page's count and rows; while rows are followed by key, those rows."""
        catch = catching()
        if catch is None or catch.keys is None:
            return super().get_list(*args, **kwargs)
        return None, rows_by_key(self, catch.keys)

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        catch = catching()
        if catch is not None:
            catch.start()
        with unheard():
            return super()._run_view(fn, *args, **kwargs)

    def _apply_sorting(self, query: Any, joins: Any, sort_column: Any, sort_desc: Any) -> Any:
        query, joins = super()._apply_sorting(query, joins, sort_column, sort_desc)
        return query.order_by(*pk_columns(self)), joins

    def _warn_of_template(self, template: str) -> None:
        if template not in self._warned_of:
            self._warned_of.add(template)
            logger.warning(
                "%s: the list is not live, as %s does not use Flask-Admin's blocks: put "
                '{%% include "sa_notify/admin/live.html" %%} into it, and data-sa-live on each element (with '
                "an id) that follows the database",
                type(self).__name__,
                template,
            )

    def _realtime_arguments(self, rows: Sequence[Any]) -> dict[str, str]:
        """What the page subscribes with, or nothing on a database that can't be followed."""
        live = self._realtime_app()
        if live is None:
            return {}
        here = Address.here()
        tokens = {
            "sa_notify_token": live.tokens.sign(query_name(self), here.dump()),
            "sa_notify_path": here.root + live.socketio.sockio_mw.engineio_path,
        }
        if self.realtime_mode == "rows":
            keys = tuple(str(self.get_pk_value(row)) for row in rows)
            shown, counted = replace(here, mode="rows", keys=keys), replace(here, mode="keys")
            tokens["sa_notify_rows_token"] = live.tokens.sign(query_name(self), shown.dump())
            tokens["sa_notify_keys_token"] = live.tokens.sign(query_name(self), counted.dump())
        return tokens

    def _realtime_app(self) -> Any:
        """What sa_notify is in this application; ``None`` where the database can't be followed."""
        if not is_postgresql(self.session, self.model):
            return None
        live = current_app.extensions.get("sa_notify")
        if live is None:
            raise SetupError(
                f"{type(self).__name__} is live, but sa_notify is not set up on this app: "
                "call dispatcher.init_app(app, socketio, engine=db)"
            )
        return live


class RealtimeModelView(RealtimeMixin, ModelView):
    """A Flask-Admin ``ModelView`` whose pages follow the database.

    ``admin.add_view(RealtimeModelView(TodoItem, db))``; everything else is as in
    ``flask_admin.contrib.sqla.ModelView``.
    """


def _check_options(view: RealtimeMixin) -> None:
    name = type(view).__name__
    if view.realtime_mode not in ("query", "rows"):
        raise ConfigurationError(f"{name}.realtime_mode is {view.realtime_mode!r}: 'query' or 'rows'")
    if not view.realtime_refresh > 0:
        raise ConfigurationError(f"{name}.realtime_refresh is {view.realtime_refresh!r}: seconds above 0")
    for item in view.realtime_tables:
        table_of(item)
