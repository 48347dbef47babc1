"""Details pages and modals in a real browser, while other connections write."""

import pytest
from playwright.sync_api import Page, expect

from tests.artifacts import artifact
from tests.browser.desk.pages import Desk, cell

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)


def test_details_change_in_place(desk: Desk, page: Page) -> None:
    """Values, formatted, related and hostile ones, show and flash without a reload."""
    desk.open("/admin/tasks/details/?id=1")
    expect(page.get_by_role("status").filter(has_text="Live")).to_have_count(1)
    cell(page, "Title").select_text()
    desk.sql("UPDATE task SET title = '<script>boom()</script>', price = 7, done = true WHERE id = 1")
    expect(cell(page, "Title")).to_have_text("<script>boom()</script>")
    expect(cell(page, "Title")).to_have_attribute("data-sa-flash", "")
    page.screenshot(path=artifact("details-changed.png"))
    assert page.evaluate("document.getSelection().toString()").strip()
    expect(cell(page, "Price").locator("b")).to_have_text("€ 7.00")
    expect(cell(page, "Done")).to_have_text("True")
    desk.sql("UPDATE person SET name = 'Anna' WHERE id = 1")
    expect(cell(page, "Owner")).to_have_text("Anna")
    expect(desk.notice).to_be_empty()
    assert page.evaluate("window.notReloaded") is True


def test_a_deleted_record_is_said_to_be_gone(desk: Desk, page: Page) -> None:
    """The page keeps what it showed, says that the record is gone, and shows it again if it comes back."""
    desk.open("/admin/tasks/details/?id=1")
    desk.sql("DELETE FROM task WHERE id = 1")
    expect(desk.notice).to_contain_text("This record was deleted")
    expect(page.locator("[data-sa-gone]")).to_have_count(1)
    page.screenshot(path=artifact("details-deleted.png"))
    desk.wait_live()
    desk.sql("INSERT INTO task (id, title, notes, done, rank, kind) VALUES (1, 'Back', '', true, 1, 'CHORE')")
    expect(cell(page, "Title")).to_have_text("Back")
    expect(desk.notice).to_be_empty()
    expect(page.locator("[data-sa-gone]")).to_have_count(0)


def test_details_in_a_modal(desk: Desk, page: Page) -> None:
    """A modal's details follow while it is open; list and modal each have their dot."""
    desk.open_modal("/admin/modals/", "View Record")
    desk.sql("UPDATE task SET title = 'In the modal' WHERE id = 1")
    expect(cell(page, "Title", ".modal-content")).to_have_text("In the modal")
    expect(page.locator(".modal-dialog")).to_have_css("transform", "none")
    page.screenshot(path=artifact("details-modal.png"))
    desk.sql("DELETE FROM task WHERE id = 1")
    expect(page.locator(".modal-content .sa-notify-notice")).to_contain_text("This record was deleted")
    page.locator(".modal-header .close").click()
    page.wait_for_selector("#sa-notify-modal-status[data-state=ended]", state="attached")
    page.wait_for_selector('tr[data-sa-key="1"]', state="detached")
    expect(page.locator("#fa_modal_window")).to_be_hidden()
    page.locator('tr[data-sa-key="2"] a[title="View Record"]').click()
    page.wait_for_selector("#sa-notify-modal-status[data-state=live]")
    desk.sql("UPDATE task SET title = 'The next one' WHERE id = 2")
    expect(cell(page, "Title", ".modal-content")).to_have_text("The next one")


@pytest.mark.parametrize(("view", "where"), [("ajax", "dd >> nth=0"), ("inline", "[data-sa-column=title]")])
def test_templates_of_ones_own(desk: Desk, page: Page, view: str, where: str) -> None:
    """What shows columns in a way of its own is fetched as a whole; marked elements change in place."""
    desk.open(f"/admin/{view}/details/?id=1")
    for title in ("One & <b>only</b>", "Another"):
        desk.sql("UPDATE task SET title = :t WHERE id = 1", t=title)
        expect(page.locator(where)).to_have_text(title)
    assert page.evaluate("window.notReloaded") is True
    desk.wait_live()


def test_a_record_with_a_composite_key(desk: Desk, page: Page) -> None:
    """Keys of several columns, with characters that need escaping, make no difference."""
    desk.open("/admin/spots/edit/?id=a...,%22%3Cb,1")
    desk.sql("UPDATE spot SET note = 'there'")
    expect(desk.field("note")).to_have_value("there")
    page.get_by_role("link", name="Details").click()
    desk.wait_live()
    desk.sql("UPDATE spot SET note = 'elsewhere'")
    expect(cell(page, "Note")).to_have_text("elsewhere")
