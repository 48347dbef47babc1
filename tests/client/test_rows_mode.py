"""Mode "rows": the rows on the page are kept right, the others are counted."""

from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert, update

from tests.client.site import Item
from tests.client.stage import Stage


def test_rows_are_updated_and_deleted_in_place(page: Page) -> None:
    """A value changes, a deleted row goes, and no row comes by itself."""
    stage = Stage(page, "rows", count=5)
    stage.change(update(Item).where(Item.id == 2).values(title="new"), delete(Item).where(Item.id == 4))
    expect(stage.cell(2, "title")).to_have_text("new")
    page.wait_for_selector("[id='sa-row:4']", state="detached")
    assert stage.keys() == ["1", "2", "3", "5"]
    assert stage.fetches == 0


def test_what_else_changed_is_counted_and_shown_when_asked(page: Page) -> None:
    """The banner counts and moves nothing; its button makes the page that of a reload, with its new rows."""
    stage = Stage(page, "rows", count=12)
    place = page.locator("table.model-list").bounding_box()
    expect(page.locator("#sa-notify-banner")).to_be_hidden()
    new = [{"id": 100 + number, "rank": number, "title": "new"} for number in range(3)]
    stage.change(insert(Item).values(new))
    expect(page.locator("#sa-notify-banner")).to_contain_text("3 changes waiting")
    assert page.locator("table.model-list").bounding_box() == place
    assert stage.keys() == [str(number) for number in range(1, 11)]

    expect(page.get_by_role("status").filter(has_text="3 changes waiting")).to_have_count(1)

    page.get_by_role("button", name="Show").press("Enter")
    stage.wait_same()
    expect(page.locator("#sa-notify-banner")).to_be_hidden()
    expect(page.locator(".table-responsive")).to_be_focused()  # from where the next Tab goes on
    stage.wait_state("live")
    stage.change(update(Item).where(Item.id == 101).values(title="newer"))
    expect(stage.cell(101, "title")).to_have_text("newer")
    assert [data["id"] for event, data in stage.wire.log if event == "unsubscribe"] == [1, 2]


def test_a_page_that_has_ended_offers_nothing(page: Page) -> None:
    """What can't be shown is not offered."""
    stage = Stage(page, "rows", count=3)
    stage.change(insert(Item).values(id=50, rank=1, title="above"))
    expect(page.locator("#sa-notify-banner")).to_contain_text("1 change waiting")
    stage.wire.close(1, "forbidden")
    stage.wait_state("ended")
    expect(page.locator("#sa-notify-banner")).to_be_hidden()


def test_a_change_on_another_page_counts_by_the_total(page: Page) -> None:
    """Rows that come behind the page shown are counted too; one that only moved is one."""
    stage = Stage(page, "rows", count=12)
    stage.change(insert(Item).values(id=100, rank=5000, title="far behind"))
    expect(page.locator("#sa-notify-banner")).to_contain_text("1 change waiting")
    stage.change(delete(Item).where(Item.id == 100), update(Item).where(Item.id == 9).values(rank=1))
    expect(page.locator("#sa-notify-banner")).to_contain_text("1 change waiting")
    assert stage.keys() == [str(number) for number in range(1, 11)]


def test_editable_cells_get_their_raw_value_from_the_page(page: Page) -> None:
    """A remote change of an editable cell shows, and an editor opened then has it."""
    stage = Stage(page, "rows", count=4, editable=True)
    stage.change(update(Item).where(Item.id == 2).values(title="theirs"))
    expect(stage.cell(2, "title")).to_have_text("theirs")
    stage.cell(2, "title").locator("a").first.click()
    expect(stage.editor).to_have_value("theirs")


def test_an_editable_row_that_left_the_page_shows_but_can_not_be_edited(page: Page) -> None:
    """Where the page no longer has the row, its new value shows and its editor stays closed."""
    stage = Stage(page, "rows", count=12, editable=True)
    stage.change(update(Item).where(Item.id == 2).values(rank=5000, title="left"))
    expect(stage.cell(2, "title")).to_have_text("left")
    stage.cell(2, "title").locator("a").first.click()
    assert page.locator(".editable-open").count() == 0

    stage.change(update(Item).where(Item.id == 2).values(rank=20, title="back"))
    expect(stage.cell(2, "title")).to_have_text("back")
    stage.cell(2, "title").locator("a").first.click()
    expect(stage.editor).to_have_value("back")
    page.keyboard.press("Escape")
    stage.change(update(Item).where(Item.id == 2).values(rank=5000, title="left"))
    page.get_by_role("button", name="Show").click()
    stage.wait_same()
