"""What a function of ours has beside its body: who it runs as, under which settings, who may call it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sa_notify.capture.spec import TriggerParams
from sa_notify.capture.template import version

_SET = re.compile(r"""^SET "?(\w+)"? = '?(.*?)'?$""", re.MULTILINE)
_QUOTED = re.compile(r"(?<=[=, ])\"([a-z_]+)\"(?=,|$)")


@dataclass(frozen=True, slots=True)
class Attributes:
    """As the catalog tells them. Its owner is not among them: that is the administrator's choice.

    :param settings: ``name=value`` of each setting that holds while it runs.
    :param definer: whether it runs as its owner.
    :param plain: whether everything else that ``ALTER FUNCTION`` sets is as PostgreSQL has it by default.
    :param public: whether every role may put it on a table of its own.
    """

    settings: frozenset[str]
    definer: bool
    plain: bool
    public: bool

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> "Attributes":
        """From a row of the catalog."""
        # a session with quote_all_identifiers quotes what it stores
        settings = frozenset(_QUOTED.sub(r"\1", setting) for setting in row["settings"] or ())
        return cls(settings, row["definer"], row["plain"], row["public"])

    def differences(self, params: TriggerParams) -> Iterator[str]:
        """How they differ from what a function of these parameters is made with, in SQL's own words."""
        wanted, definer = _settings(params.template), _definer(params.template, params.delivery)
        yield from (f"-{setting}" for setting in sorted(wanted - self.settings))
        yield from (f"+{setting}" for setting in sorted(self.settings - wanted))
        if self.definer != definer:
            yield f"SECURITY {'DEFINER' if self.definer else 'INVOKER'}"
        if not self.plain:
            yield "volatility, cost or the like"
        if self.public:
            yield "EXECUTE granted to PUBLIC"


@cache
def _settings(template: int) -> frozenset[str]:
    found = _SET.findall(version(template, "function")["create"])
    return frozenset(f"{name}={value}" for name, value in found)


@cache
def _definer(template: int, delivery: str) -> bool:
    return version(template, delivery)["security"] == "DEFINER"
