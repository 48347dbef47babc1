"""What is kept once is kept no longer than somebody has it."""

import gc
import weakref

from sa_notify.live.interned import Kind, interned


def test_equal_parts_are_one_kind_while_it_is_held() -> None:
    held = Kind.of(("SELECT 1", ("a", "b")))
    assert Kind.of(("SELECT 1", ("a", "b"))) is held
    assert Kind.of(("SELECT 1", ("a",))) != held


def test_nobody_keeps_a_kind() -> None:
    gone = weakref.ref(Kind.of(("SELECT 2",)))
    gc.collect()
    assert gone() is None


def test_equal_things_of_different_types_stay_apart() -> None:
    assert interned(1) is not interned(True)
    assert interned(("x", "1")) is interned(("x", str(1)))
