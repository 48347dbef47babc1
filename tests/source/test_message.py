"""What a stranger may write into a NOTIFY, and what a trigger does."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from sa_notify.change import Change
from sa_notify.errors import MessageError
from sa_notify.source.message import UNKNOWN_XID, Message, parse

_names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
_keys = st.lists(_names | st.just(""), min_size=1, max_size=3)
_scalars = (
    st.none() | st.booleans() | st.integers() | _names | st.floats(allow_nan=False, allow_infinity=False)
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3)
)
_pairs = st.dictionaries(_names, st.lists(_values, min_size=2, max_size=2), max_size=3)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("vxntcokfw") | st.text(), inner),
)


@st.composite
def _written(draw: st.DrawFn) -> tuple[dict[str, Any], Change]:
    """A change as a trigger writes it, and as it is to be read."""
    code, op = draw(
        st.sampled_from([("i", "insert"), ("u", "update"), ("d", "delete"), ("t", "truncate"), ("b", "bulk")])
    )
    item: dict[str, Any] = {"o": code}
    key = columns = None
    values: dict[str, Any] = {}
    if code in "iud":
        item["k"] = draw(_keys)
        key = tuple(item["k"])
        if draw(st.booleans()):
            item["w"] = draw(_pairs)
            values = {name: (old, new) for name, (old, new) in item["w"].items()}
    if code == "u" and draw(st.booleans()):
        item["f"] = draw(st.lists(_names, min_size=1, max_size=3))
        columns = tuple(item["f"])
    return item, Change("public.t", op, key, columns, values)


@given(st.lists(_written(), min_size=1, max_size=4), st.integers(0, UNKNOWN_XID))
def test_reads_what_triggers_write(written: list[tuple[dict[str, Any], Change]], xid: int) -> None:
    """Every change comes through as it was written, with its transaction, of any size."""
    body = {"v": 1, "x": str(xid), "n": 1, "t": "public.t", "c": [item for item, _ in written]}

    assert Message(xid, tuple(change for _, change in written)) == parse(json.dumps(body))


@given(st.text() | _json.map(json.dumps))
def test_survives_anything(payload: str) -> None:
    """Whatever a stranger sends is read or refused with one kind of error."""
    try:
        message = parse(payload)
    except MessageError:
        return

    assert message.changes
    assert 0 <= message.xid <= UNKNOWN_XID


@given(st.dictionaries(st.sampled_from(["v", "x", "n", "c"]), _json), _names)
def test_a_named_table_is_never_silent(body: dict[str, Any], table: str) -> None:
    """What names a table is at least a change of that whole table."""
    message = parse(json.dumps({**body, "t": table}))

    assert {change.table for change in message.changes} == {table}
    assert message.degraded is None or [change.op for change in message.changes] == ["bulk"]


def _payload(**fields: Any) -> str:
    return json.dumps({"v": 1, "x": "7", "n": 1, "t": "public.t", "c": [{"o": "i", "k": ["1"]}], **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"v": 2, "c": "in another way"},
        {"c": []},
        {"c": [{"o": "i", "k": ["1"]}, {"o": "x", "k": ["1"]}]},
        {"c": [{"o": "i"}]},
        {"c": [{"o": "i", "k": []}]},
        {"c": [{"o": "i", "k": [1]}]},
        {"c": [{"o": "i", "k": ["\0"]}]},
        {"c": [{"o": "i", "k": ["\ud800"]}]},
        {"c": [{"o": ["i"], "k": ["1"]}]},
        {"c": [{"o": "u", "k": ["1"], "f": "name"}]},
        {"c": [{"o": "u", "k": ["1"], "w": {"a": []}}]},
        {"c": [{"o": "u", "k": ["1"], "w": {"a": [1, 2, 3]}}]},
        {"c": [{"o": "u", "k": ["1"], "w": {"a": [1, "\ud800"]}}]},
    ],
)
def test_unreadable_details_mean_the_whole_table(fields: dict[str, Any]) -> None:
    """A newer trigger's message is a change of its table, in its transaction."""
    message = parse(_payload(**fields))

    assert (7, (Change("public.t", "bulk"),)) == (message.xid, message.changes)
    assert message.degraded


@pytest.mark.parametrize("xid", [None, 7, "", "-7", " 7", "7_0", "٧", "18446744073709551616", "1" * 5000])
def test_an_unreadable_transaction_is_one_that_no_snapshot_saw(xid: Any) -> None:
    """A change whose transaction is unknown is never taken for one that was read already."""
    message = parse(_payload(x=xid))

    assert (UNKNOWN_XID, (Change("public.t", "bulk"),)) == (message.xid, message.changes)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "x",
        "null",
        "[]",
        "{}",
        "[" * 8000,
        "{" * 8000,
        '{"t":' * 1000,
        _payload(t=None),
        _payload(t=""),
        _payload(t=["public.t"]),
        _payload(t="\0"),
        _payload(t="\ud800"),
        _payload(t="é" * 200),
    ],
)
def test_what_names_no_table_is_refused(payload: str) -> None:
    """A message that no trigger wrote costs nothing but its reading."""
    with pytest.raises(MessageError):
        parse(payload)


def _carrying(text: str) -> str:
    head = '{"v":1,"x":"9007199254740993","t":"public.t","n":3,"c":'
    return head + '[{"o":"u","k":["1"],"f":["a"],"w":{"a":[null,' + text + "]}}]}"


def test_transactions_and_numbers_beyond_a_double() -> None:
    """xid8 above 2^53 keeps its last digit, and so does a number in a carried jsonb."""
    message = parse(_carrying("9007199254740993"))

    assert message.xid == 9007199254740993
    assert message.changes[0].values == {"a": (None, 9007199254740993)}


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5000])
def test_numbers_that_python_does_not_hold_stay_text(number: str) -> None:
    """A carried jsonb may hold larger numbers than a float or int() does: the change is read all the same."""
    message = parse(_carrying(number))

    assert message.degraded is None
    assert {"a": (None, number)} == message.changes[0].values


@pytest.mark.parametrize("depth", [100, 900, 3000])
def test_a_deep_value_is_a_change_of_its_table(depth: int) -> None:
    """A carried jsonb nested beyond reason neither breaks the parser nor loses the change."""
    message = parse(_carrying("[" * depth + "]" * depth))

    assert (9007199254740993, (Change("public.t", "bulk"),)) == (message.xid, message.changes)
