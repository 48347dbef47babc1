"""Renders a view's pages: those of one record as live ones."""

from collections.abc import Callable
from typing import Any

from flask import request

from sa_notify.admin.address import Address
from sa_notify.admin.page import catching
from sa_notify.admin.record.page import RecordPage
from sa_notify.admin.record.query import KINDS, record_query_name

Render = Callable[..., Any]


def render_record(view: Any, render: Render, template: str, arguments: dict[str, Any]) -> Any:
    """What the view's own ``render`` gives, made live where it is a page of one record.

    :param render: Flask-Admin's own.
    """
    kind = next((kind for kind in KINDS if kind.wanted(view) and kind.is_rendered(view, template)), None)
    if kind is None:
        return render(template, **arguments)
    page = kind(render, template, {**arguments, "get_pk_value": view.get_pk_value})
    catch = catching()
    if catch is not None:
        catch.page = page
        return ""
    live = view._realtime_app()
    if live is None:
        return render(template, **arguments)
    return render(kind.wrapper, **arguments, **_signed(live, view, page), sa_notify_base=template)


def _signed(live: Any, view: Any, page: RecordPage) -> dict[str, Any]:
    here = Address.here()
    return {
        "sa_notify_token": live.tokens.sign(record_query_name(view, type(page)), here.dump()),
        "sa_notify_path": here.root + live.socketio.sockio_mw.engineio_path,
        "sa_notify_record": {
            "kind": page.kind,
            "key": page.key,
            "url": here.root + request.full_path,
            "columns": page.labels,
            "modal": page.is_modal(view),
            "posted": request.method == "POST",
        },
    }
