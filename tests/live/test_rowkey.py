"""Rowkeys: one text for each row, whatever is in the key."""

from hypothesis import given, settings, strategies as st

from sa_notify.live.rowkey import distinct, rowkey
from tests.live.node import evaluate

TEXTS = st.lists(st.text(st.characters(), max_size=6), min_size=2, max_size=3)
NASTY = [
    "",
    '"',
    "\\",
    "\x00\x1f\x7f\x80",
    "\b\t\n\f\r",
    "\u2028\u2029",
    "é😀",
    "\ud800",
    "\udfff\ud83d",
    "</script>",
]


def test_a_single_key_is_its_own_text() -> None:
    """Nothing is quoted or escaped."""
    assert rowkey(['a"b']) == 'a"b'
    assert rowkey([None]) == "null"


def test_a_composite_key_is_what_stringify_writes() -> None:
    """A browser may compute a rowkey by JSON.stringify and find the row."""
    lists = [[one, other] for one in NASTY for other in NASTY] + [["\ud83d", "\ude00"], ["\ud83d\ude00", "x"]]

    assert evaluate("lists => lists.map(list => JSON.stringify(list))", lists) == [
        rowkey(texts) for texts in lists
    ]
    assert rowkey(["a", None]) == '["a",null]'


@settings(max_examples=20, deadline=None)  # each starts a program
@given(st.lists(TEXTS, max_size=50))
def test_any_composite_key(lists: list[list[str]]) -> None:
    """Whatever characters are in it."""
    written = evaluate("lists => lists.map(list => JSON.stringify(list))", lists)

    assert written == [rowkey(texts) for texts in lists]


@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "b", "#2", ""])))
def test_distinct_keys_are_unique_and_keep_the_first(keys: list[str]) -> None:
    """The first row of a key has it alone; no suffix takes a name that another row has."""
    named = distinct(iter(keys))

    assert len(set(named)) == len(keys)
    assert named == distinct(keys)
    for place, key in enumerate(keys):
        first = key not in keys[:place]
        assert (named[place] == key) if first else named[place].startswith(f"{key}#")
        assert first or named[place] not in keys


def test_suffixes_count_from_two() -> None:
    """What a reader of the wire sees."""
    assert distinct(["a", "a", "b", "a"]) == ["a", "a#2", "b", "a#3"]
