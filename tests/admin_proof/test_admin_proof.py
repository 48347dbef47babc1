"""After any writes, the live page is what a reload shows; and no value of any column is taken for markup.

``make admin-proof SIZE=30 SEED=7`` does more of the first.
"""

import json
import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.admin_proof.lane import Lane
from tests.admin_proof.texts import MARKS, PAYLOADS
from tests.admin_proof.views import features
from tests.databases import fresh_database

SEED = int(os.environ.get("SA_NOTIFY_PROOF_SEED", "1"))
SIZE = int(os.environ.get("SA_NOTIFY_PROOF_SIZE", "8"))
EVERYTHING = ["every kind of column", "every kind, edited"]
ROUNDS = int(os.environ.get("SA_NOTIFY_PROOF_ROUNDS", "4"))

# Flask-Admin gives WTForms its choices as tuples, which WTForms 3.3 wants replaced.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(Passing SelectField choices|Yielding raw tuples):DeprecationWarning"
)


@pytest.fixture(scope="module")
def lane(pg_server: str, browser: Browser) -> Iterator[Lane]:
    """The site with its views, served."""
    with (
        fresh_database(pg_server) as main,
        fresh_database(pg_server) as archive,
        Lane(SEED, [*features(SIZE), *EVERYTHING], (main, archive), browser) as lane,
    ):
        yield lane


@pytest.mark.parametrize("feature", EVERYTHING)
def test_no_value_of_any_column_runs(lane: Lane, feature: str) -> None:
    """Texts that would run as markup show as texts in every kind of column, pushed or fetched."""
    tab = lane.tab(lane.case(feature))
    for number, text in enumerate(PAYLOADS, 1):
        everywhere = {
            "k": number,
            "text": text,
            "mark": text if text in MARKS else MARKS[number % len(MARKS)],
            "meta": json.dumps({text: [text, {"a": text}]}),
            "labels": [text, f"{feature} {text}"],
        }
        lane.execute((_EVERYWHERE, everywhere), (_AUTHOR, everywhere), (_TAG, everywhere))
    assert tab.wait_for(lane.mirror.lines(tab.url)) == ""
    assert tab.state() == {"notReloaded": True, "ran": False, "dot": "live"}
    assert tab.errors == []
    assert tab.fetches == 0 or feature == "every kind, edited"
    shown = tab.page.inner_text("table.model-list")
    assert all(text.replace("\x0b", "") in shown.replace("\x0b", "") for text in PAYLOADS)


def test_live_pages_are_what_a_reload_shows(lane: Lane) -> None:
    """Generated views, addresses and transactions: table, count and pager."""
    report = lane.run(ROUNDS, lambda line: None, SIZE)
    assert report.compared == SIZE * ROUNDS
    assert report.differences == [], "\n".join(report.lines())


_EVERYWHERE = """
UPDATE book SET title = %(text)s, note = %(text)s, genre = %(text)s, mark = %(mark)s, meta = %(meta)s::jsonb,
    labels = %(labels)s::text[], author_id = 1 + %(k)s %% 8, editor_id = 1 + %(k)s %% 8
WHERE id = %(k)s
"""
_AUTHOR = "UPDATE author SET name = %(text)s, country = %(text)s WHERE id = 1 + %(k)s %% 8"
_TAG = "UPDATE tag SET label = %(text)s WHERE id = 1 + %(k)s %% 6"
