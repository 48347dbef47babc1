"""What a row of the outbox says, read as changes."""

import json

import pytest

from sa_notify.change import Change
from sa_notify.source.message import parse_items
from sa_notify.source.outbox.rows import changes


def read(*items: object) -> tuple[Change, ...]:
    return changes("public.todo", json.dumps(items, ensure_ascii=False)[1:-1])


@pytest.mark.parametrize(
    "item",
    [
        {"o": "i", "k": ["1"], "w": {"title": [None, "ä \" }] ' ,"], "n": [None, 1.5]}},
        {"o": "u", "k": ["1", "two"], "f": ["title"], "w": {"title": ["a", "b"], "done": [False]}},
        {"o": "u", "k": ["1"], "f": []},
        {"o": "d", "k": ["1"], "f": ["title"], "w": {}},
        {"o": "u", "k": ["1"], "added later": {"w": [1, 2]}},
        {"o": "b"},
        {"o": "t"},
        {"o": "u", "k": ["\\"], "w": {"path": ["C:\\temp"]}},
    ],
)
def test_it_is_what_the_careful_reader_of_messages_finds(item: object) -> None:
    assert read(item, {"o": "d", "k": ["9"]}) == parse_items(
        "public.todo", json.dumps([item, {"o": "d", "k": ["9"]}])
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        '{"o":"u"}',
        '{"o":"u","k":[]}',
        '{"o":"u","k":[1]}',
        '{"o":"u","k":"1"}',
        '{"o":"x","k":["1"]}',
        '{"o":"u","k":["1"],"f":[1]}',
        '{"o":"u","k":["1"],"w":{"a":[1,2}}',
        '{"o":"u","k":["\\ud800"]}',
        "[" * 5000 + "]" * 5000,
    ],
    ids=lambda body: body[:30],
)
def test_what_cannot_be_read_is_the_whole_table(body: str) -> None:
    assert changes("public.todo", body) == (Change("public.todo", "bulk"),)


@pytest.mark.parametrize(
    ("values", "carried"),
    [
        ("[1,2]", {}),
        ('"text"', {}),
        ('{"a":[1,2,3],"b":[],"c":5,"d":[7]}', {"d": (7, 7)}),
        ('{"a":[' + "[" * 90 + "]" * 90 + '],"b":[1,2]}', {"b": (1, 2)}),
        ('{"a":[' + "[" * 50_000 + "]" * 50_000 + "]}", {}),
        ('{"a":[' + "9" * 5_000 + "]}", {}),
        ('{"a":[1e999,-1e999]}', {"a": ("1e999", "-1e999")}),
    ],
    ids=["array", "text", "no pairs", "deep", "too deep to parse", "long number", "beyond floats"],
)
def test_values_that_cannot_be_read_are_not_carried(values: str, carried: object) -> None:
    [change] = changes("public.todo", f'{{"o":"u","k":["1"],"w":{values}}}')
    assert (change.op, change.columns) in (("update", None), ("bulk", None))
    assert change.values == carried


def test_values_are_parsed_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    name = "sa_notify.lazy._decode"
    monkeypatch.setattr(name, lambda text: parsed.append(text) or json.loads(text))
    [change] = read({"o": "u", "k": ["1"], "w": {"a": [1, 2]}})
    assert not parsed
    assert change.values["a"] == change.values["a"] == (1, 2)
    assert len(parsed) == 1
