"""Mappings that have one entry most of the time."""

from typing import Any

from hypothesis import given, strategies as st

from sa_notify.live import few

STEPS = st.lists(st.tuples(st.sampled_from(["put", "without"]), st.integers(0, 3), st.text(max_size=1)))


@given(STEPS)
def test_it_holds_what_a_dictionary_holds(steps: list[tuple[str, int, str]]) -> None:
    """Whatever is put in and taken out."""
    expected: dict[int, str] = {}
    held: few.Few[Any] = few.EMPTY
    for step, key, value in steps:
        if step == "put":
            expected[key], held = value, few.put(held, key, value)
        else:
            expected.pop(key, None)
            held = few.without(held, key)
        assert dict(few.items(held)) == expected
        assert [few.find(held, key) for key in range(4)] == [expected.get(key) for key in range(4)]
        assert bool(held) == bool(expected)


def test_one_entry_needs_no_dictionary() -> None:
    """Nor does what is left when the others are gone."""
    assert isinstance(few.put(few.EMPTY, 1, "a"), tuple)
    assert isinstance(few.without(few.put(few.put(few.EMPTY, 1, "a"), 2, "b"), 1), tuple)
