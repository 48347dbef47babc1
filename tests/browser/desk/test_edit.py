"""Edit forms and their modals in a real browser, while other connections write."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.artifacts import artifact
from tests.browser.desk.pages import Desk

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)


# -- fields that nobody touched


@pytest.mark.parametrize("view", ["tasks", "ajax", "mine"])
def test_untouched_fields_become_theirs(desk: Desk, page: Page, view: str) -> None:
    """Every kind of field is updated, marked and named; then the form is what a reload would show."""
    page.goto(f"{desk.url}/login/CHORE/writer")
    desk.open(f"/admin/{view}/edit/?id=1")
    desk.sql("INSERT INTO person VALUES (9, 'New <i>here</i>')")
    desk.sql(
        "UPDATE task SET title = '\"Theirs\" <&>', notes = E'other\\nlines', done = true, rank = 8,"
        " price = NULL, due = NULL, starts = '2027-06-07 08:09:10', data = '{}', owner_id = 9 WHERE id = 1"
    )
    desk.sql("DELETE FROM labelled WHERE label_id = 1")
    desk.sql("INSERT INTO labelled VALUES (1, 3)")
    if view != "mine":
        desk.sql("UPDATE task SET kind = 'ERRAND' WHERE id = 1")
    expect(desk.notice).to_contain_text("Someone else changed this record. Updated here: Title")
    desk.wait_untouched()
    expect(page.locator(".sa-notify-conflict")).to_have_count(0)
    expect(page.locator(".sa-notify-updated").first).to_be_visible()
    if view != "mine":
        expect(page.locator("#s2id_owner .select2-chosen")).to_have_text("New <i>here</i>")
        expect(page.locator("#s2id_labels .select2-search-choice")).to_have_text(["<b>blue</b>", "green"])
    page.screenshot(path=artifact(f"edit-updated-{view}.png"), full_page=True)
    desk.notice.get_by_role("button", name="Close").click()
    expect(desk.notice).to_be_empty()
    expect(page.locator(".sa-notify-updated")).to_have_count(0)


def test_a_change_before_the_page_has_subscribed_is_seen(desk: Desk, page: Page) -> None:
    """What changes between rendering and subscribing is told like any other change."""
    page.route(
        "**/sa_notify.js",
        lambda route: (desk.sql("UPDATE task SET rank = 77 WHERE id = 1"), route.continue_()),
    )
    desk.open("/admin/tasks/edit/?id=1")
    expect(desk.notice).to_contain_text("Updated here: Rank.")
    expect(desk.field("rank")).to_have_value("77")


def test_a_field_is_not_changed_under_the_caret(desk: Desk, page: Page) -> None:
    """While somebody is at a field it is asked about; left as it was, it is updated."""
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("title").focus()
    desk.sql("UPDATE task SET title = 'Theirs' WHERE id = 1")
    expect(desk.conflict("title")).to_contain_text("Changed to Theirs by someone else.")
    expect(desk.field("title")).to_have_value("Task 1")
    desk.field("rank").focus()
    expect(desk.field("title")).to_have_value("Theirs")
    expect(desk.conflict("title")).to_have_count(0)
    expect(desk.notice).to_contain_text("Updated here: Title.")


# -- fields that both changed


def test_keep_mine_or_take_theirs(desk: Desk, page: Page) -> None:
    """A field that both changed is asked about, once; each answer holds until they change it again."""
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("title").fill("Mine")
    desk.field("notes").fill("My notes")
    desk.field("done").check()
    desk.sql("UPDATE task SET title = 'Theirs', notes = E'Their\\n<b>notes</b>', rank = 5 WHERE id = 1")
    expect(desk.conflict("title")).to_contain_text("Changed to Theirs by someone else.")
    expect(desk.conflict("notes").locator(".sa-notify-theirs")).to_have_text("Their\n<b>notes</b>")
    expect(desk.notice).to_contain_text("Updated here: Rank. Keep yours or take theirs: Title, Notes.")
    page.screenshot(path=artifact("edit-conflict.png"), full_page=True)

    desk.conflict("title").get_by_role("button", name="Keep mine").click()
    desk.conflict("notes").get_by_role("button", name="Take theirs").click()
    expect(page.locator(".sa-notify-conflict")).to_have_count(0)
    expect(desk.field("title")).to_have_value("Mine")
    expect(desk.field("notes")).to_have_value("Their\n<b>notes</b>")
    expect(desk.field("done")).to_be_checked()

    desk.sql("UPDATE task SET title = 'Theirs again' WHERE id = 1")
    expect(desk.conflict("title")).to_contain_text("Theirs again")
    desk.sql("UPDATE task SET title = 'Mine' WHERE id = 1")
    expect(desk.conflict("title")).to_have_count(0)
    expect(desk.field("title")).to_have_value("Mine")


def test_what_was_entered_before_the_page_was_live_is_asked_about(desk: Desk, page: Page) -> None:
    """Whoever is quicker than the connection, or whose browser restores a form, is not overwritten."""
    page.add_init_script(_ENTER_AT_ONCE)
    desk.open("/admin/tasks/edit/?id=1")
    desk.sql("UPDATE task SET title = 'Theirs', notes = 'Their notes', done = false, rank = 5 WHERE id = 1")
    expect(desk.notice).to_contain_text("Updated here: Rank. Keep yours or take theirs: Title, Notes.")
    expect(desk.field("title")).to_have_value("Mine")
    expect(desk.field("notes")).to_have_value("My notes")
    expect(desk.field("done")).to_be_checked()


_ENTER_AT_ONCE = """document.addEventListener("DOMContentLoaded", () => {
  const {title, notes, done} = document.querySelector("form.admin-form").elements;
  Object.assign(title, {value: "Mine"});
  Object.assign(notes, {value: "My notes"});
  Object.assign(done, {checked: true});
});"""


def test_entering_what_they_have_is_agreement(desk: Desk, page: Page) -> None:
    """A question goes when its field comes to hold what the record holds."""
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("rank").fill("9")
    desk.sql("UPDATE task SET rank = 90 WHERE id = 1")
    expect(desk.conflict("rank")).to_be_visible()
    desk.field("rank").fill("90")
    expect(desk.conflict("rank")).to_have_count(0)
    expect(desk.notice).to_be_empty()


def test_a_checkbox(desk: Desk, page: Page) -> None:
    """A box that was ticked is said to be ticked or not."""
    desk.sql("UPDATE task SET done = true WHERE id = 1")
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("done").uncheck()
    desk.field("rank").focus()
    desk.sql("UPDATE task SET done = false, rank = 4 WHERE id = 1")
    expect(desk.conflict("rank")).to_be_visible()
    expect(desk.conflict("done")).to_have_count(0)
    desk.field("done").check()
    desk.sql("UPDATE task SET title = 'x' WHERE id = 1")
    expect(desk.field("title")).to_have_value("x")
    expect(desk.conflict("done")).to_have_count(0)
    desk.sql("UPDATE task SET done = true WHERE id = 1")
    desk.sql("UPDATE task SET done = false WHERE id = 1")
    desk.field("done").uncheck()
    desk.wait_untouched()


def test_select2(desk: Desk, page: Page) -> None:
    """Choices, made as a person makes them, are kept; theirs can be taken, several at once too."""
    desk.open("/admin/tasks/edit/?id=1")
    page.locator("#s2id_owner .select2-choice").click()
    page.locator("#select2-drop .select2-result-label", has_text="Cleo").click()
    page.locator("#s2id_labels .select2-search-choice-close").first.click()
    page.keyboard.press("Escape")
    desk.field("rank").focus()
    desk.sql("UPDATE task SET owner_id = 2, kind = 'ERRAND' WHERE id = 1")
    desk.sql("INSERT INTO labelled VALUES (1, 3)")
    expect(desk.conflict("owner")).to_contain_text("Changed to Bob <script>alert('1')</script> & \"co\" by")
    expect(desk.conflict("labels")).to_contain_text("Changed to red, <b>blue</b>, green by")
    expect(page.locator("#s2id_kind .select2-chosen")).to_have_text("ERRAND")
    expect(page.locator("#s2id_owner .select2-chosen")).to_have_text("Cleo")
    page.screenshot(path=artifact("edit-select2.png"), full_page=True)
    for field in ("owner", "labels"):
        desk.conflict(field).get_by_role("button", name="Take theirs").click()
    desk.wait_untouched()
    expect(page.locator("#s2id_labels .select2-search-choice")).to_have_text(["red", "<b>blue</b>", "green"])


def test_choices_that_the_server_is_asked_for(desk: Desk, page: Page) -> None:
    """An ajax select shows whom they chose by name, and can take it."""
    desk.open("/admin/ajax/edit/?id=1")
    page.locator("#s2id_owner .select2-choice").click()
    page.keyboard.type("Cleo")
    page.locator("#select2-drop .select2-result-label", has_text="Cleo").click()
    desk.field("title").focus()
    desk.sql("UPDATE task SET owner_id = 2 WHERE id = 1")
    expect(desk.conflict("owner")).to_contain_text("Changed to Bob <script>")
    desk.conflict("owner").get_by_role("button", name="Take theirs").click()
    expect(page.locator("#s2id_owner .select2-chosen")).to_contain_text("Bob <script>")
    desk.wait_untouched()
    desk.field("title").focus()
    desk.sql("UPDATE task SET owner_id = NULL WHERE id = 1")
    desk.sql("DELETE FROM labelled WHERE task_id = 1")
    desk.wait_untouched()
    expect(page.locator("#s2id_labels .select2-search-choice")).to_have_count(0)


def test_boxes_of_a_list_and_rows_within_the_form(desk: Desk, page: Page) -> None:
    """A list of boxes is taken over; rows of another table are told, and shown by a reload."""
    desk.open("/admin/inline/edit/?id=1")
    desk.sql("DELETE FROM labelled WHERE label_id = 1")
    desk.sql("INSERT INTO labelled VALUES (1, 3)")
    expect(desk.notice).to_contain_text("Updated here: Labels.")
    desk.wait_untouched()
    desk.sql("UPDATE step SET what = 'other' WHERE task_id = 1 AND what = 'first'")
    expect(desk.notice).to_contain_text("Changed, but shown by a reload only: Steps.")
    expect(desk.field("steps-0-what")).to_have_value("first")
    page.screenshot(path=artifact("edit-inline.png"), full_page=True)
    page.get_by_role("link", name="Reload").click()
    desk.wait_live()
    expect(desk.field("steps-0-what")).to_have_value("other")
    desk.sql("DELETE FROM step")
    expect(desk.notice).to_contain_text("Steps")


def test_rows_within_the_form_that_were_none(desk: Desk, page: Page) -> None:
    """A list that was empty when the form was opened is followed as well."""
    desk.sql("DELETE FROM step")
    desk.open("/admin/inline/edit/?id=1")
    desk.sql("INSERT INTO step (what, task_id) VALUES ('new', 1)")
    expect(desk.notice).to_contain_text("Changed, but shown by a reload only: Steps.")


def test_an_editor_over_a_text_area_is_left_alone(desk: Desk, page: Page) -> None:
    """A text area that something else stands for is not written to: that something would win at saving."""
    desk.open("/admin/tasks/edit/?id=1")
    page.evaluate("document.getElementById('notes').style.display = 'none'")
    desk.sql("UPDATE task SET notes = 'theirs' WHERE id = 1")
    expect(desk.notice).to_contain_text("Changed, but shown by a reload only: Notes.")
    expect(desk.field("notes")).to_have_value("line\nand <more>")
    expect(desk.conflict("notes")).to_contain_text("Changed to theirs by someone else.")
    desk.conflict("notes").get_by_role("button", name="Keep mine").click()
    expect(desk.notice).to_be_empty()


# -- saving


def test_a_deleted_record_warns_whoever_saves(desk: Desk, page: Page) -> None:
    """The form says that its record is gone; saving asks first, and is not prevented."""
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("title").fill("Mine")
    desk.sql("DELETE FROM task WHERE id = 1")
    expect(desk.notice).to_contain_text("This record was deleted")
    page.screenshot(path=artifact("edit-deleted.png"), full_page=True)
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(desk.field("title")).to_have_value("Mine")
    assert "what you entered would be lost" in asked[0]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("Record does not exist.")


def test_ones_own_save_is_no_news(desk: Desk, page: Page) -> None:
    """Neither the page that goes nor the one that comes tells the user of what they saved."""
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("title").fill("Saved by me")
    desk.field("done").check()
    page.get_by_role("button", name="Save and Continue Editing").click()
    expect(page.locator("body")).to_contain_text("Record was successfully saved.")
    desk.wait_live()
    expect(desk.field("title")).to_have_value("Saved by me")
    desk.sql("UPDATE task SET rank = 12 WHERE id = 1")
    expect(desk.notice).to_contain_text("Rank")
    assert "Title" not in str(desk.said())


def test_a_page_on_its_way_out_says_nothing(desk: Desk, page: Page) -> None:
    """What the server makes of one's own entries is no news, though it comes before the next page does."""
    frames = list[str]()
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("price").fill("5.5")
    page.evaluate("""document.body.insertAdjacentHTML("beforeend", '<iframe name="elsewhere"></iframe>')""")
    desk.form.evaluate("(form) => { form.target = 'elsewhere'; }")
    page.get_by_role("button", name="Save", exact=True).click()
    deadline = time.monotonic() + 30
    while not any("5.50" in frame for frame in frames):
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    expect(desk.notice).to_be_empty()
    assert not desk.said()


def test_a_form_that_comes_back_with_errors_still_knows(desk: Desk, page: Page) -> None:
    """What the user had not decided is asked again, what nobody else changed is not."""
    desk.open("/admin/tasks/edit/?id=1")
    desk.field("title").fill("Mine")
    desk.field("notes").fill("My notes")
    desk.field("data").fill("{")
    desk.sql("UPDATE task SET title = 'Theirs' WHERE id = 1")
    expect(desk.conflict("title")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("Failed to save record.")
    desk.wait_live()
    expect(desk.conflict("title")).to_contain_text("Changed to Theirs")
    expect(desk.notice).to_have_text("×Someone else changed this record. Keep yours or take theirs: Title.")
    desk.sql("UPDATE task SET notes = 'Their notes', rank = 6 WHERE id = 1")
    expect(desk.conflict("notes")).to_be_visible()
    expect(desk.field("rank")).to_have_value("6")


def test_the_form_in_a_modal(desk: Desk, page: Page) -> None:
    """The same in a modal; its reload link leads to the form's own page."""
    desk.open_modal("/admin/modals/", "Edit Record")
    desk.field("title").fill("Mine")
    desk.sql("UPDATE task SET title = 'Theirs', done = true WHERE id = 1")
    expect(desk.conflict("title")).to_be_visible()
    expect(desk.field("done")).to_be_checked()
    expect(desk.notice).to_contain_text("Updated here: Done. Keep yours or take theirs: Title.")
    page.screenshot(path=artifact("edit-modal.png"))
    desk.conflict("title").get_by_role("button", name="Take theirs").click()
    expect(desk.field("title")).to_have_value("Theirs")
    page.locator(".modal-footer input[type=submit]").click()
    desk.wait_live()
    expect(page.locator('tr[data-sa-key="1"]')).to_contain_text("Theirs")


@pytest.mark.parametrize("modal", [False, True])
def test_scripts_run_under_a_nonce(desk: Desk, page: Page, modal: bool) -> None:
    """Under a policy of nonces alone the pages are live, and so are modals."""
    if modal:
        desk.open_modal("/admin/modals/?policy=1", "Edit Record")
    else:
        desk.open("/admin/tasks/edit/?id=1&policy=1")
    desk.sql("UPDATE task SET rank = 6 WHERE id = 1")
    expect(desk.field("rank")).to_have_value("6")
