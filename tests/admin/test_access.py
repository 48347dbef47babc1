"""Who may follow a list page, and for how long."""

from typing import Any

import pytest
from flask import Flask

from sa_notify.errors import SubscriptionError
from tests.admin.applications import execute
from tests.admin.pages import shown
from tests.admin.visitor import Visitor


@pytest.fixture
def ann(app: Flask) -> Visitor:
    """Sees books of genre a."""
    visitor = Visitor(app)
    visitor.get("/login/a/1")
    return visitor


@pytest.fixture
def bob(app: Flask) -> Visitor:
    """Sees books of genre b."""
    visitor = Visitor(app)
    visitor.get("/login/b/2")
    return visitor


def refusal(function: Any, *args: Any) -> str:
    with pytest.raises(SubscriptionError) as caught:
        function(*args)
    return caught.value.code


def test_everybody_sees_their_own_rows(ann: Visitor, bob: Visitor) -> None:
    """A get_query that uses the session gives each subscriber what their page shows."""
    anns, bobs = ann.follow("/admin/mine/").read(), bob.follow("/admin/mine/").read()
    assert shown(anns.rows) == shown(ann.page("/admin/mine/").rows)
    assert shown(bobs.rows) == shown(bob.page("/admin/mine/").rows)
    assert {cells["genre"] for _, cells in anns.rows} == {"a"}
    assert {cells["genre"] for _, cells in bobs.rows} == {"b"}
    assert (anns.total, bobs.total) == (13, 14)


def test_a_token_does_not_open_the_page_to_others(app: Flask, ann: Visitor) -> None:
    """A page's token is of no use to somebody whom the view does not admit."""
    token = ann.page("/admin/mine/").bar["data-sa-token"]
    assert refusal(Visitor(app).subscribe, token) == "forbidden"


def test_before_request_guards_subscriptions_too(ann: Visitor) -> None:
    """An application that refuses requests in before_request refuses subscriptions."""
    token = ann.page("/admin/plain/").bar["data-sa-token"]
    ann.client.set_cookie("banned", "1")
    assert refusal(ann.subscribe, token) == "forbidden"


def test_before_request_guards_each_reading_of_a_view_that_asks_for_it(ann: Visitor) -> None:
    """With realtime_before_request a reading is refused where the page would be."""
    ann.client.set_cookie("banned", "0")
    query = ann.follow("/admin/hooked/")
    assert query.read().total == 40
    guard = ann.app.before_request_funcs[None]
    guard.append(lambda: ("gone", 403))
    assert refusal(query.read) == "forbidden"


def test_access_is_asked_at_every_reading(ann: Visitor) -> None:
    """A subscriber who loses access is told so at the next reading and when asked again."""
    token = ann.page("/admin/mine/").bar["data-sa-token"]
    query = ann.subscribe(token)
    assert query.read().total == 13
    execute(ann.app, "UPDATE book SET author_id = NULL")
    execute(ann.app, "DELETE FROM author WHERE id = 1")
    assert refusal(query.read) == "forbidden"
    assert refusal(ann.subscribe, token) == "forbidden"


def test_a_shared_reading_outlives_the_one_who_began_it(ann: Visitor, bob: Visitor) -> None:
    """What the first subscriber of a shared list loses does not end it for the others."""
    query = ann.follow("/admin/shared/")
    assert bob.follow("/admin/shared/").identity == query.identity
    execute(ann.app, "UPDATE book SET author_id = NULL")
    execute(ann.app, "DELETE FROM author WHERE id = 1")
    assert shown(query.read().rows) == shown(bob.page("/admin/shared/").rows)


def test_a_view_that_has_moved_asks_for_a_reload(ann: Visitor) -> None:
    """A token whose path leads elsewhere by now is refused, not answered with another page."""
    registered = ann.app.extensions["sa_notify.queries"]["admin:plain"]
    saved = ann.saved
    moved = {"root": "", "path": "/admin/places/", "query": "", "mode": "query", "keys": []}
    with saved.context(ann.app):
        assert refusal(registered.build, moved, saved) == "bad_token"
        assert refusal(registered.build, {**moved, "path": "/nowhere/"}, saved) == "bad_token"
        assert refusal(registered.build, {**moved, "mode": "all"}, saved) == "bad_token"
        assert refusal(registered.build, {"path": "/admin/plain/"}, saved) == "bad_token"
        assert refusal(registered.build, {**moved, "keys": [1]}, saved) == "bad_token"


def test_a_page_that_answers_with_an_error_ends_its_readings(
    ann: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """404 and the like close the query with a code, whatever raised them."""
    from flask import abort

    view = next(view for view in ann.app.extensions["admin"][0]._views if view.endpoint == "plain")
    query = ann.follow("/admin/plain/")
    monkeypatch.setattr(view, "get_query", lambda: abort(404))
    assert refusal(query.read) == "query_failed"
    monkeypatch.setattr(view, "get_query", lambda: abort(403))
    assert refusal(query.read) == "forbidden"
