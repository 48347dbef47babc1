"""What a bug is that the oracle must catch, and how it gets into the engine.

A bug is a function under :func:`bug` that takes a :class:`Seed` and replaces what the bug is in. What is
replaced must exist: a bug whose place is gone is an error, not a bug that is never seeded.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any, Final, overload
from unittest.mock import patch

#: Deliveries whose changes have values in them.
CARRYING: Final = ("outbox", "carry")


class Seed:
    """Replaces functions and values until the block ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def wrap(self, place: str, make: Callable[[Any], Any]) -> None:
        """Put ``make(original)`` in the place of a function or method.

        :param place: module and name: ``"sa_notify.live.hub:Hub.receive"``.
        """
        target, name = _found(place)
        original = target.__dict__[name]
        is_static = isinstance(original, staticmethod)
        made = make(original.__func__ if is_static else original)
        self._stack.enter_context(patch.object(target, name, staticmethod(made) if is_static else made))

    def value(self, place: str, value: Any) -> None:
        """Put a value in the place of another."""
        self.wrap(place, lambda _: value)

    def entries(self, place: str, **entries: Any) -> None:
        """Put other values into a dictionary."""
        target, name = _found(place)
        self._stack.enter_context(patch.dict(target.__dict__[name], entries))

    def anew(self, place: str) -> None:
        """Nothing that a cache remembers from without the bug is used with it, nor the other way round."""
        target, name = _found(place)
        self._stack.callback(target.__dict__[name].cache_clear)
        target.__dict__[name].cache_clear()


def _found(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    owner, _, name = path.rpartition(".")
    target: Any = import_module(module)
    return (attrgetter(owner)(target) if owner else target), name


@dataclass(frozen=True)
class Bug:
    """One of them, and where it shows soonest.

    :param kinds: of columns that schemas should have and no others; ``None``: any.
    :param deliveries: of changes; ``None``: any.
    :param icu: only a server with ICU can show it.
    """

    sow: Callable[[Seed], None]
    kinds: tuple[str, ...] | None = None
    deliveries: tuple[str, ...] | None = None
    icu: bool = False


BUGS: dict[str, Bug] = {}

Sow = Callable[[Seed], None]


@overload
def bug(sow: Sow) -> Sow: ...
@overload
def bug(
    *, kinds: Iterable[str] | None = None, deliveries: Iterable[str] | None = None, icu: bool = False
) -> Callable[[Sow], Sow]: ...
def bug(sow: Any = None, *, kinds: Any = None, deliveries: Any = None, icu: bool = False) -> Any:
    """Register a bug under its function's name; parameters as :class:`Bug` has them."""

    def register(function: Sow) -> Sow:
        named = [None if names is None else tuple(names) for names in (kinds, deliveries)]
        BUGS[function.__name__] = Bug(function, *named, icu=icu)
        return function

    return register if sow is None else register(sow)


def bugs() -> dict[str, Bug]:
    """All of them, by name."""
    for rest in ("hearing", "skips", "windows", "looks"):
        import_module(f"tests.oracle.bugs_of_{rest}")
    return BUGS


@contextmanager
def seeded(name: str) -> Iterator[None]:
    """The engine with this bug."""
    with ExitStack() as stack:
        bugs()[name].sow(Seed(stack))
        yield
