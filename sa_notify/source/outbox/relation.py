"""Names of tables as changes have them, taken apart."""

import re
from typing import NamedTuple

_PART = r'("(?:[^"]|"")+"|[^".]+)'
_NAME = re.compile(rf"{_PART}\.{_PART}")


class Relation(NamedTuple):
    """A schema and a name, without quotes."""

    schema: str
    name: str

    @classmethod
    def of(cls, table: str) -> "Relation | None":
        """Read what ``quote_ident`` made; ``None`` for what it can't have made."""
        found = _NAME.fullmatch(table)
        return None if found is None else cls(_unquoted(found[1]), _unquoted(found[2]))


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
