"""LIKE and ILIKE, where Python surely decides as PostgreSQL does."""

import re
from collections.abc import Callable

from sa_notify.live.logic import FALSE, TRUE, UNKNOWN

#: Whether a text matches, as a set of outcomes.
Matcher = Callable[[str], int]

# the letters whose lower case has an ASCII letter in it, whatever the locale: İ and the Kelvin sign
_TO_ASCII = re.compile("[\u0130\u212a]")


def like(pattern: str, escape: str | None = "\\") -> Matcher | None:
    """Matches as ``LIKE``; ``None`` where PostgreSQL refuses the pattern.

    :param escape: one character; the empty text for none.
    """
    parts = _parts(pattern, escape)
    if parts is None:
        return None
    matches = _compiled(parts, re.DOTALL)
    return lambda text: TRUE if matches(text) else FALSE


def ilike(pattern: str, escape: str | None = "\\") -> Matcher | None:
    """Matches as ``ILIKE``; what depends on the locale's idea of case is unknown."""
    parts = _parts(pattern, escape)
    if parts is None or not pattern.isascii():
        return None
    has_i = any(part in ("i", "I") for part in parts)
    # Turkish and Azeri have two of this letter, Lithuanian spells it with dots; "_" counts characters
    ascii_only = has_i or _ANY_ONE in parts
    folded = _compiled(parts, _FOLDED)
    turkish = _compiled(parts, _FOLDED, keep="iI") if has_i else folded

    def match(text: str) -> int:
        if not text.isascii() and (ascii_only or _TO_ASCII.search(text)):
            return UNKNOWN
        if not folded(text):
            return FALSE
        return TRUE if turkish is folded or turkish(text) else UNKNOWN

    return match


_FOLDED = re.DOTALL | re.IGNORECASE | re.ASCII
_ANY_ONE, _ANY_MANY = "\0_", "\0%"  # no text of PostgreSQL holds NUL


def _parts(pattern: str, escape: str | None) -> list[str] | None:
    """Characters and wildcards; ``None`` when the escape character stands last."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if escape and character == escape:
            following = next(characters, None)
            if following is None:
                return None
            parts.append(following)
        else:
            parts.append({"_": _ANY_ONE, "%": _ANY_MANY}.get(character, character))
    return parts


def _compiled(parts: list[str], flags: int, keep: str = "") -> Callable[[str], object]:
    """Each piece between two ``%`` is taken where it first fits: nothing is tried twice."""
    first, *others = _pieces(parts, keep)
    if not others:
        return re.compile(first, flags).fullmatch
    inner = "".join(f"(?>.*?{piece})" for piece in others[:-1] if piece)
    return re.compile(f"{first}{inner}.*{others[-1]}", flags).fullmatch


def _pieces(parts: list[str], keep: str) -> list[str]:
    pieces = [""]
    for part in parts:
        if part == _ANY_MANY:
            pieces.append("")
        elif part == _ANY_ONE:
            pieces[-1] += "."
        else:
            pieces[-1] += f"(?-i:{part})" if part in keep else re.escape(part)
    return pieces
