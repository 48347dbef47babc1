"""Mode "query": the list page follows its query."""

from itertools import pairwise

from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert, update

from tests.client.site import Item
from tests.client.stage import Stage


def test_a_plain_cell_is_set_from_the_window_without_a_fetch(page: Page) -> None:
    """A changed value shows as the page renders it, escaped, and flashes; nothing is fetched for it."""
    stage = Stage(page)
    stage.change(update(Item).where(Item.id == 2).values(title="<script>boom()</script>"))

    expect(stage.cell(2, "title")).to_have_text("<script>boom()</script>")
    expect(stage.cell(2, "title")).to_have_attribute("data-sa-flash", "")
    stage.wait_same()
    assert stage.fetches == 0
    expect(stage.cell(2, "title")).not_to_have_attribute("data-sa-flash", "")


def test_colours_that_a_person_has_chosen_hide_nothing(page: Page) -> None:
    """Where the system's colours replace a site's, the dot keeps its own, and a change is outlined."""
    page.emulate_media(forced_colors="active")
    stage = Stage(page, count=3)
    dot = "getComputedStyle(document.getElementById('sa-notify-status'), '::before').backgroundColor"
    assert page.evaluate(dot) == "rgb(30, 142, 62)"
    stage.change(update(Item).where(Item.id == 2).values(title="new"))
    expect(stage.cell(2, "title")).to_have_css("outline-style", "solid")


def test_rows_enter_leave_and_move(page: Page) -> None:
    """Rows, their order, the count and the pager become those of a reload."""
    stage = Stage(page, count=10)
    moved = update(Item).where(Item.id == 9).values(rank=15)
    stage.change(insert(Item).values(id=99, rank=5, title="new"), delete(Item).where(Item.id == 4), moved)

    stage.wait_same()
    assert stage.keys() == ["99", "1", "9", "2", "3", "5", "6", "7", "8", "10"]
    stage.change(insert(Item).values(id=100, rank=6, title="an eleventh"))
    stage.wait_same()
    expect(page.locator("#sa-notify-pager li").first).to_be_visible()
    expect(page.locator("a.nav-link.active").first).to_have_text("List (11)")


def test_a_row_keeps_its_node_its_check_and_the_focus_while_others_change(page: Page) -> None:
    """What the user has ticked, focused or typed is still there after rows were put around it."""
    stage = Stage(page, count=5)
    page.evaluate("window.kept = document.getElementById('sa-row:3')")
    stage.page.locator("[id='sa-row:3'] input.action-checkbox").check()
    page.locator("input[name=search]").fill("half a wo")
    page.locator("[id='sa-row:3'] input.action-checkbox").focus()
    stage.change(insert(Item).values(id=50, rank=1, title="above"))

    stage.wait_same()
    assert page.evaluate("window.kept === document.getElementById('sa-row:3')")
    assert page.evaluate("document.activeElement.closest('tr')?.id") == "sa-row:3"
    assert page.locator("input.action-checkbox:checked").count() == 1
    assert page.locator("input[name=search]").input_value() == "half a wo"


def test_what_changes_under_focus_and_selection_keeps_them(page: Page) -> None:
    """A link keeps the focus while its own text changes; text that is selected in markup stays so."""
    stage = Stage(page, count=3)
    cell = stage.cell(2, "rank")
    cell.locator("a").focus()
    cell.locator("b").select_text()
    stage.change(update(Item).where(Item.id == 2).values(rank=25))
    expect(cell).to_have_text("25 of 25")
    expect(cell.locator("a")).to_be_focused()
    assert page.evaluate("document.getSelection().toString()") == "of 25"
    stage.wait_same()
    assert stage.fetches == 0


def test_the_only_row_gives_way_to_another(page: Page) -> None:
    """The new row has its own editors, not those of the row before, which would save into that one."""
    stage = Stage(page, count=1, editable=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    stage.change(delete(Item), insert(Item).values(id=2, rank=1, title="another"))
    stage.wait_same()
    stage.cell(2, "title").locator("a").click()
    stage.editor.fill("edited")
    with page.expect_request("**/ajax/update/") as saved:
        page.keyboard.press("Enter")
    assert saved.value.post_data == "list_form_pk=2&title=edited"

    stage.change(insert(Item).values(id=3, rank=2, title="a third"), update(Item).values(done=True))
    stage.wait_same()
    assert [text for text in said if "duplicate" in text] == []


def test_an_editor_without_a_key_saves_what_it_shows(page: Page) -> None:
    """In a template of one's own, an element that comes to show another row edits that one."""
    stage = Stage(page, count=2, editable=True, parts=True)
    stage.change(delete(Item).where(Item.id == 1))
    editors = page.locator("#titles a")
    expect(editors).to_have_count(1)
    editors.click()
    expect(stage.editor).to_have_value("item <2> & more")
    stage.editor.fill("edited")
    with page.expect_request("**/ajax/update/") as saved:
        page.keyboard.press("Enter")
    assert saved.value.post_data == "list_form_pk=2&title=edited"

    expect(stage.editor).to_have_count(0)
    editors.click()
    stage.editor.fill("half a wo")
    stage.change(insert(Item).values(id=1, rank=1, title="first again"))
    expect(editors).to_have_count(2)
    expect(stage.editor).to_have_value("half a wo")
    page.keyboard.press("Escape")
    expect(editors).to_have_text(["first again", "edited"])


def test_a_row_on_another_page_changes_the_count(page: Page) -> None:
    """The count and the pager follow though no row on this page is another."""
    stage = Stage(page, count=20)
    stage.change(insert(Item).values(id=99, rank=5000, title="far behind"))
    stage.wait_same()
    expect(page.locator("a.nav-link.active").first).to_have_text("List (21)")


def test_a_list_that_is_not_counted_follows_too(page: Page) -> None:
    """Where the view does not count, rows that go still bring the pager and the words for an empty list."""
    stage = Stage(page, count=2, counted=False)
    stage.change(delete(Item).where(Item.id == 2))
    stage.wait_same()
    stage.change(delete(Item))
    stage.wait_same()


def test_ticked_boxes_stay_ticked(page: Page) -> None:
    """All boxes, and with them the one for all, are ticked after rows changed places."""
    stage = Stage(page, count=3)
    for box in page.locator("input.action-checkbox").all():
        box.check()
    stage.change(update(Item).where(Item.id == 3).values(rank=1))
    stage.wait_same()
    assert page.locator("input.action-checkbox:checked").count() == 3
    assert page.locator("input.action-rowtoggle").is_checked()


def test_an_empty_list_fills_and_empties(page: Page) -> None:
    """The words for an empty list come and go."""
    stage = Stage(page, count=0)
    stage.change(insert(Item).values(id=1, rank=1, title="only"))
    stage.wait_same()
    stage.change(delete(Item))
    stage.wait_same()
    assert stage.keys() == []


def test_a_change_between_rendering_and_subscribing_is_shown(page: Page) -> None:
    """The first snapshot mends what changed while the page was on its way."""
    stage = Stage(page, count=3)
    stage.wire.drop()
    stage.site.write(insert(Item).values(id=7, rank=1, title="meanwhile"), delete(Item).where(Item.id == 2))
    stage.wait_state("live")
    stage.wait_same()
    assert stage.keys() == ["7", "1", "3"]


def test_many_changes_cost_few_fetches(page: Page) -> None:
    """Changes that come close together share fetches; between two there is a quarter of a second."""
    stage = Stage(page)
    for number in range(30):
        stage.change(insert(Item).values(id=1000 + number, rank=-number, title="burst"))
        if number % 10 == 0:
            page.wait_for_selector(f"[id='sa-row:{1000 + number}']")
    stage.wait_same()
    gaps = [later - earlier for earlier, later in pairwise(stage.fetched_at)]
    assert 2 <= len(gaps) <= 10
    assert min(gaps) >= 0.24


def test_there_is_one_fetch_at_a_time_and_the_last_word_is_the_newest(page: Page) -> None:
    """While a slow page is on its way no other is asked for; in the end it does not show that it is old."""
    stage = Stage(page, count=3)
    stage.hold()
    stage.change(insert(Item).values(id=50, rank=1, title="first"))
    stage.wait_held()
    for number in range(5):
        stage.change(insert(Item).values(id=60 + number, rank=2 + number, title="later"))
    stage.change(update(Item).where(Item.id == 1).values(title="pushed meanwhile"))
    expect(stage.cell(1, "title")).to_have_text("pushed meanwhile")
    assert stage.fetches == 1
    stage.release()
    stage.wait_same()
    expect(stage.cell(1, "title")).to_have_text("pushed meanwhile")
    assert stage.fetches == 2
    assert stage.most_at_a_time == 1


def test_an_inline_editor_gets_the_new_value(page: Page) -> None:
    """An editor opened after a remote change shows that change, so that saving does not undo it."""
    stage = Stage(page, count=4, editable=True)
    stage.change(update(Item).where(Item.id == 2).values(title="theirs", done=True))

    stage.wait_same()
    stage.cell(2, "title").locator("a").click()
    expect(stage.editor).to_have_value("theirs")


def test_an_open_editor_is_left_alone_until_it_closes(page: Page) -> None:
    """Typed text and focus survive changes of that row and others; then the cell catches up."""
    stage = Stage(page, count=4, editable=True)
    stage.cell(2, "title").locator("a").first.click()
    page.keyboard.type("mine ")
    typed = stage.editor.input_value()
    theirs = update(Item).where(Item.id == 2).values(title="theirs")
    stage.change(theirs, insert(Item).values(id=50, rank=1, title="above"))

    page.wait_for_selector("[id='sa-row:50']")
    expect(stage.editor).to_have_value(typed)
    expect(stage.editor).to_be_focused()
    expect(stage.cell(2, "title").locator(".sa-notify-changed")).to_have_text("Changed to: theirs")
    page.keyboard.press("Escape")
    stage.wait_same()
    expect(stage.cell(2, "title")).to_have_text("theirs")


def test_saving_in_an_editor_saves_that_field(page: Page) -> None:
    """Inline editing works after a morph, in rows that were there and in new ones."""
    stage = Stage(page, count=2, editable=True)
    stage.change(insert(Item).values(id=50, rank=1, title="above"))
    stage.wait_same()
    for key in (50, 2):
        stage.cell(key, "title").locator("a").first.click()
        stage.editor.fill(f"saved {key}")
        with page.expect_response("**/ajax/update/"):
            page.keyboard.press("Enter")
        stage.wire.publish()
        expect(stage.cell(key, "title")).to_have_text(f"saved {key}")
        stage.wait_same()


def test_a_row_under_edit_stays_until_it_is_let_go(page: Page) -> None:
    """What was typed is not lost to a deletion: the row says that it is gone, and goes with the editor."""
    stage = Stage(page, count=3, editable=True)
    stage.cell(2, "title").locator("a").first.click()
    page.keyboard.type("mine ")
    typed = stage.editor.input_value()
    stage.change(delete(Item).where(Item.id == 2))
    expect(page.locator("[id='sa-row:2']")).to_contain_text("This row has left the page")
    expect(stage.editor).to_have_value(typed)
    page.keyboard.press("Escape")
    stage.wait_same()
    expect(page.locator(".popover")).to_have_count(0)


def test_a_connection_that_breaks_is_shown_and_made_again(page: Page) -> None:
    """The dot says reconnecting, then live, and the rows are those of now."""
    stage = Stage(page, count=3)
    page.evaluate(_WATCH)
    stage.wire.drop()
    stage.wait_state("reconnecting")
    stage.wait_state("live")
    assert page.evaluate("window.seen") == ["reconnecting", "stale", "live"]
    assert page.evaluate("window.words[0]") == "hidden"  # what may be over at once is not said at once
    dot = page.locator("#sa-notify-status")
    expect(dot).to_have_attribute("role", "status")
    expect(dot).to_have_text("Live")
    assert dot.locator("span").bounding_box()["width"] <= 1  # for who can't see the dot
    stage.wire.beat(live=False)
    stage.wait_state("stale")
    expect(dot).to_have_text("Not up to date")
    expect(dot.locator("span.badge")).to_be_visible()
    for width in (400, 600, 800, 1000, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(_UNDER_THE_WORDS) == [], width


def test_a_page_that_is_come_back_to_is_not_live_before_it_has_heard(page: Page) -> None:
    """A page that the browser keeps for "back" is left as reconnecting, and asks at once when shown."""
    stage = Stage(page, count=3)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert page.evaluate("document.getElementById('sa-notify-status').dataset.state") == "reconnecting"
    stage.site.write(insert(Item).values(id=50, rank=1, title="meanwhile"))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    stage.wait_state("live")
    stage.wait_same()


def test_an_expired_token_is_renewed_from_the_page(page: Page) -> None:
    """After a long absence the page gets itself a new token."""
    stage = Stage(page, count=3)
    stage.wire.drop()
    stage.wire.refusal = {"code": "expired_token", "message": "too old"}
    stage.site.view.tokens = 2
    page.wait_for_event("request", lambda request: "x-sa-notify" in request.headers)
    stage.wire.refusal = None
    stage.wait_state("live")
    assert [data["token"] for _, data in stage.wire.log] == ["list 1", "list 1", "list 2"]


def test_a_page_that_may_not_be_seen_any_more_ends(page: Page) -> None:
    """A login page in place of the list is not shown; the dot says to load the page again."""
    stage = Stage(page, count=3)
    stage.answer = {"status": 302, "headers": {"Location": "/login"}}
    stage.change(insert(Item).values(id=50, rank=1, title="above"))
    stage.wait_state("ended")
    expect(page.locator("#sa-notify-status")).to_have_text("Not live any more: reload the page")
    assert stage.keys() == ["1", "2", "3"]
    fetched = stage.fetches
    stage.wire.publish()
    assert ("unsubscribe", {"id": 1}) in stage.wire.log
    assert stage.fetches == fetched


def test_a_refusal_ends_the_page(page: Page) -> None:
    """Access that is taken away shows."""
    stage = Stage(page, count=3)
    stage.wire.close(1, "forbidden")
    stage.wait_state("ended")


def test_a_server_in_trouble_is_asked_again(page: Page) -> None:
    """While the page can't be fetched the dot says so; when it can, the page catches up."""
    stage = Stage(page, count=3)
    stage.answer = {"status": 503, "body": "busy"}
    stage.change(insert(Item).values(id=50, rank=1, title="above"))
    stage.wait_state("stale")
    stage.answer = None
    stage.wait_same()
    stage.wait_state("live")


#: Remembers the dot's states, and whether its words were seen the moment it changed.
_WATCH = """() => {
  const dot = document.getElementById("sa-notify-status");
  Object.assign(window, {seen: [], words: []});
  new MutationObserver((all) => all.forEach(() => {
    seen.push(dot.dataset.state);
    words.push(getComputedStyle(dot.firstChild).visibility);
  })).observe(dot, {attributes: true, attributeFilter: ["data-state"]});
}"""
#: What somebody may want to read or use, and the words beside the dot lie over.
_UNDER_THE_WORDS = """() => {
  const words = document.querySelector(".sa-notify-status .badge").getBoundingClientRect();
  const isUnder = ({left, right, top, bottom, width}) => width > 0
    && left < words.right && right > words.left && top < words.bottom && bottom > words.top;
  return [...document.querySelectorAll("ul.nav-tabs :is(a, input, button), th, h2, h3, .sa-notify-above > *")]
    .filter((one) => isUnder(one.getBoundingClientRect())).map((one) => one.outerHTML);
}"""
