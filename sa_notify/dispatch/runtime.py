"""What deciding code asks of the world it runs in: gevent or threads, or a test's own clock."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Runtime(Protocol):
    """Tasks, time and waiting, in one colour."""

    def spawn(self, function: Callable[..., Any], *args: Any) -> None:
        """Run ``function`` as a background task; an exception it raises is logged."""
        ...

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run blocking code beside the event loop and wait for its result.

        Under gevent it runs in a native thread, so that the loop goes on whatever the database
        driver does; under threads it simply runs. Exceptions come through. Only a few calls run at
        a time, the others wait their turn: reads never take all of an application's connections.
        """
        ...

    def call_apart(self, function: Callable[..., T], *args: Any) -> T:
        """As :meth:`call`, in a lane of its own that no number of slow calls can delay.

        For the feed and for interest in tables, which ask for few calls at a time.
        """
        ...

    def sleep(self, seconds: float) -> None: ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def wait_readable(self, fileno: int, seconds: float) -> bool:
        """Wait until the descriptor is readable; ``False`` when ``seconds`` passed first.

        :raises OSError: when the descriptor is closed or not usable.
        """
        ...

    def lock(self) -> AbstractContextManager[Any]:
        """A new lock that tasks of this runtime exclude each other with."""
        ...

    def later(self, seconds: float, function: Callable[..., Any], *args: Any) -> None:
        """Run ``function`` as a background task after ``seconds``."""
        ...
