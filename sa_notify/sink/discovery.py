"""Sinks by name: those that installed packages offer as entry points."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from urllib.parse import parse_qsl

from sa_notify.errors import SetupError
from sa_notify.sink.base import GROUP, Context, Factory, Sink


@dataclass(frozen=True, slots=True)
class Named:
    """A sink that is to be made whenever this process leads.

    :param name: for logs and metrics; of two alike the second gets a number.
    """

    name: str
    factory: Factory
    options: dict[str, str]

    def make(self, context: Context) -> Sink:
        """A sink for one leadership."""
        return self.factory(replace(context, options=self.options))


def named_sinks(texts: Iterable[str]) -> list[Named]:
    """What ``--sink NAME:option=value&option=value`` asks for.

    :raises SetupError: when there is no such sink, it can't be imported, or the text can't be read.
    """
    found: list[Named] = []
    for text in texts:
        name, _, query = text.partition(":")
        number = 1 + sum(each.name.partition("#")[0] == name for each in found)
        shown = name if number == 1 else f"{name}#{number}"
        found.append(Named(shown, _factory(name), _options(text, query)))
    return found


def _factory(name: str) -> Factory:
    known = entry_points(group=GROUP)
    if name not in known.names:
        names = ", ".join(sorted(known.names)) or "none"
        raise SetupError(
            f"there is no sink {name!r}: installed are {names}; a package offers one as an entry point of "
            f"the group {GROUP}"
        )
    try:
        factory: Factory = known[name].load()
    except (ImportError, AttributeError) as error:
        raise SetupError(f"the sink {name!r} can't be imported: {error}") from error
    return factory


def _options(text: str, query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        raise SetupError(f"--sink {text} can't be read: write NAME:option=value&option=value") from None
