"""How long a follower waits before it tries again."""

from hypothesis import given, strategies as st

from sa_notify.dispatch.backoff import CAP_SECONDS, FIRST_SECONDS, Backoff


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=50))
def test_delays_grow_to_a_cap(randoms: list[float]) -> None:
    """Every delay is within a half below its doubled base, and none is longer than the cap."""
    numbers = iter(randoms)
    backoff = Backoff(lambda: next(numbers))
    for n in range(len(randoms)):
        base = min(FIRST_SECONDS * 2**n, CAP_SECONDS)
        assert base / 2 <= backoff.delay() <= base


def test_success_begins_again() -> None:
    """After a success the first delay is the shortest again."""
    backoff = Backoff(lambda: 0.0)
    for _ in range(10):
        backoff.delay()
    backoff.reset()

    assert backoff.delay() == FIRST_SECONDS
