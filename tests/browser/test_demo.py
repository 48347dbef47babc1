"""The demo's own pages in a real Chromium, over gunicorn with two gevent workers."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from demo.seed import seed
from tests.artifacts import artifact
from tests.databases import fresh_database
from tests.demo.test_migrations import alembic
from tests.serving import serve

_OPEN = """
    SELECT title FROM todo_items WHERE NOT done ORDER BY priority, due, id LIMIT 12
"""

_CELLS = "table.model-list tbody td[class*=col-]"


@pytest.fixture(scope="module")
def served(pg_server: str) -> Iterator[tuple[str, Engine]]:
    """The demo; its database is migrated, its writer does not run."""
    with fresh_database(pg_server) as database_url:
        alembic(database_url, "upgrade", "head")
        engine = create_engine(database_url)
        with serve("demo.wsgi:app", workers=2, env={"DATABASE_URL": database_url}) as url:
            yield url, engine
        engine.dispose()


@pytest.fixture
def engine(served: tuple[str, Engine]) -> Engine:
    """Its database with what it is seeded with."""
    _, engine = served
    with Session(engine) as session:
        session.execute(text("TRUNCATE todo_items, users RESTART IDENTITY"))
        seed(session)
    return engine


@pytest.fixture
def demo(served: tuple[str, Engine], engine: Engine) -> str:
    """Its URL."""
    return served[0]


Sql = Callable[[str], None]


@pytest.fixture
def sql(engine: Engine) -> Sql:
    """Runs SQL from a connection that nobody at the page knows of."""

    def run(statement: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(statement))

    return run


def _titles(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text(_OPEN)))


def test_front_page_follows_plain_sql(demo: str, page: Page, engine: Engine, sql: Sql) -> None:
    """A row inserted, changed, moved and deleted by SQL shows as it is, without a reload."""
    page.goto(demo)
    expect(page.locator("#state")).to_have_text("live")
    shown = page.locator("#todos .title")
    expect(shown).to_have_text(_titles(engine))

    sql("INSERT INTO todo_items (title, owner_id, priority, due) VALUES ('Brand new', 1, 0, 'tomorrow')")
    expect(shown.first).to_have_text("Brand new")
    sql("UPDATE todo_items SET title = 'Renamed' WHERE title = 'Brand new'")
    expect(shown.first).to_have_text("Renamed")
    sql("UPDATE todo_items SET priority = 2 WHERE title = 'Renamed'")
    expect(shown).to_have_text(_titles(engine))
    sql("DELETE FROM todo_items WHERE title = 'Renamed'")
    expect(shown).to_have_text(_titles(engine))
    page.wait_for_function("document.getAnimations().length === 0")
    page.screenshot(path=artifact("demo-front-page.png"))


def test_buttons_write_and_the_database_answers(demo: str, page: Page, engine: Engine) -> None:
    """What the page itself adds and ticks off comes back by way of the database."""
    page.goto(demo)
    page.fill("#title", "Typed here")
    page.click("#add button")
    expect(page.locator("#todos")).to_contain_text("Typed here")

    page.get_by_label("Done: Typed here").click()
    expect(page.locator("#todos")).not_to_contain_text("Typed here")
    expect(page.locator("#todos .title")).to_have_text(_titles(engine))


def test_filter_subscribes_to_another_query(demo: str, page: Page, sql: Sql) -> None:
    """Choosing a person shows that person's rows, and follows them."""
    page.goto(demo)
    page.click("#filter button[data-owner='2']")
    expect(page.locator("#todos li").first).to_be_visible()
    sql("INSERT INTO todo_items (title, owner_id, priority, due) VALUES ('Not theirs', 1, 0, 'today')")
    sql("INSERT INTO todo_items (title, owner_id, priority, due) VALUES ('Theirs', 2, 0, 'today')")

    expect(page.locator("#todos .title").first).to_have_text("Theirs")
    expect(page.locator("#todos")).not_to_contain_text("Not theirs")


@pytest.mark.parametrize(
    "path", ["/admin/todoitem/", "/admin/todoitem/?sort=2&desc=1&page=1", "/admin/user/"]
)
def test_admin_list_equals_its_reload(demo: str, page: Page, sql: Sql, path: str) -> None:
    """After writes the open Flask-Admin list has the cells that a reload gives."""
    page.goto(demo + path)
    expect(page.locator("#sa-notify-status")).to_have_attribute("data-state", "live")
    sql("UPDATE users SET name = 'Changed ' || id WHERE id = 1")
    sql("UPDATE todo_items SET title = 'Changed', priority = 2 WHERE id % 3 = 0")
    fresh = page.context.new_page()
    fresh.goto(demo + path)

    expect(page.locator(_CELLS)).to_have_text(fresh.locator(_CELLS).all_inner_texts())
    page.screenshot(path=artifact(f"demo-admin-{path.split('/')[2]}.png"))
