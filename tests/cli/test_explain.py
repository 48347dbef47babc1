"""What the command says of queries of every tier, and of an admin list."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask, session
from sqlalchemy import Engine, insert

from tests.admin.library import make_app
from tests.apps.items import Base, Item, Owner, create_app


@pytest.fixture
def app(engine: Engine) -> Iterator[Flask]:
    """The application of the protocol tests."""
    Base.metadata.create_all(engine)
    yield create_app(engine, "threading")


def explain(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["sa-notify", "explain", *arguments])


def told(app: Flask, *arguments: str) -> dict[str, Any]:
    result = explain(app, *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_a_page_of_a_list(app: Flask) -> None:
    """Its index and its order are known; what it costs is measured."""
    found = told(app, "page", '{"owner": 5, "sort": "priority"}')
    assert found["tier"] == "patch"
    ((table, columns, index),) = found["tables"]
    assert (table, index) == ("public.items", "owner_id = 5")
    assert "title" in columns and "secret" not in columns
    assert found["order"].startswith("priority desc, id")
    assert found["why"] == []
    assert found["milliseconds"] > 0


def test_as_text(app: Flask) -> None:
    result = explain(app, "page", '{"owner": 5}')
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "page: patch"
    assert any("public.items" in line and "owner_id = 5" in line for line in lines)


@pytest.mark.parametrize(
    ("query", "tier", "why"),
    [
        ("counts", "shared page", "GROUP BY"),
        ("unheard", "timed", "decorate its model with @realtime"),
    ],
)
def test_what_would_be_cheaper(app: Flask, query: str, tier: str, why: str) -> None:
    """It says what to write otherwise."""
    found = told(app, query)
    assert found["tier"] == tier
    assert any(why in sentence for sentence in found["why"])


@pytest.mark.parametrize(
    ("query", "looked_up"),
    [
        (("joined", '{"name": "ann"}'), True),
        (("owners",), False),
        (("page", '{"owner": 5, "offset": 5}'), False),
    ],
)
def test_what_changes_do_not_carry(app: Flask, query: tuple[str, ...], looked_up: bool) -> None:
    """A condition takes values, read for all queries; not where a counted total asks for all changes."""
    sentence = "1 by keys for all queries of a table, where changes don't carry new values"
    assert (sentence in told(app, *query)["per_change"]) is looked_up


def test_rows_outside_a_page(app: Flask) -> None:
    """Are promised to cost nothing where there is a page, and an order that tells them from those on it."""
    sentence = "0 for a row that stays outside the page"
    costs = [told(app, *query)["per_change"] for query in (("owners",), ("page", '{"sort": "title"}'))]
    assert not any(cost.startswith(sentence) for found in costs for cost in found)
    assert f"{sentence}, whose total is counted" in told(app, "page", '{"owner": 5}')["per_change"]


def test_an_order_that_leaves_rows_equal(app: Flask) -> None:
    found = told(app, "page", '{"sort": "title"}')
    assert found["tier"] == "patch"
    assert found["order"].startswith("not known here")  # the order of texts is their collation's


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "--admin URL"),
        (("page", "--admin", "/admin/"), "--admin URL"),
        (("page", "{"), "PARAMS is no JSON"),
        (("page", "[]"), "PARAMS must be an object"),
        (("page", '{"owner": "x"}'), "invalid_params"),
        (("nothing",), "unknown_query"),
        (("mine",), "forbidden"),
        (("--admin", "/elsewhere"), "is no list of a RealtimeModelView"),
    ],
)
def test_what_can_not_be_explained(app: Flask, arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence, and the exit status 2."""
    result = explain(app, *arguments)
    assert result.exit_code == 2
    assert sentence in result.output


def test_what_the_database_refuses(app: Flask, engine: Engine) -> None:
    """In its words, without the statement and its values."""
    with engine.begin() as connection:
        connection.execute(insert(Owner), {"id": 1, "name": "x"})
        connection.execute(insert(Item), {"owner_id": 1, "title": "x", "priority": 1})
    result = explain(app, "broken")
    assert result.exit_code == 2
    assert result.output.startswith("Error: broken can't be read: ")
    assert len(result.output.splitlines()) == 1


def test_an_admin_list(database_url: str) -> None:
    """By the URL of the page."""
    app = make_app(database_url)
    found = told(app, "--admin", "/admin/plain/?page=1&sort=1")
    assert found["name"] == "admin:plain"
    assert found["tier"] == "page"
    assert [table for table, _, _ in found["tables"]] == ["public.author", "public.book"]


def test_as_somebody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom Flask-Login would know by this id."""
    found: list[Any] = []
    query = app.extensions["sa_notify"].find("mine")
    monkeypatch.setattr(query, "_function", lambda: found.append(session["_user_id"]))
    result = explain(app, "mine", "--user", "7")
    assert result.exit_code == 2
    assert found == ["7"]
