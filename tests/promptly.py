"""Times that are promised, on machines that have other things to do as well."""

from collections.abc import Callable

#: What is slow each time is slow by itself.
ATTEMPTS = 3


def quickest(attempt: Callable[[], float], seconds: float, attempts: int = ATTEMPTS) -> float:
    """The least of what some attempts took; there is no other after one that was quick enough.

    :param attempt: does it, and gives seconds.
    """
    took = [attempt()]
    while took[-1] >= seconds and len(took) < attempts:
        took.append(attempt())
    return min(took)
