"""What SQL written as text says, word by word: what it may name, and what in it depends on the clock.

No grammar is known here. Whatever could be a name is one, and what can't be read with certainty is said
to be unclear, so that the answer is never too small.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from sa_notify.live.functions import CONVERTING, MOMENT_TYPES, REASONS, clock_word

#: A schema, where one is written, and a name.
Name = tuple[str | None, str]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/)
    |(?P<string>'(?:[^'\\]|'')*')
    |(?P<quoted>"(?:[^"\\]|"")+")
    |(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)(?!\w)
    |(?P<cast>::)
    |(?P<bind>(?<![:\w]):\w+(?!:))
    |(?P<argument>\$\d+)
    |(?P<word>[^\W\d][\w$]*)(?!['"&])
    |(?P<operator>(?:(?!--|/\*)[-+*/<>=~!@\#%^&|`?])+)
    |(?P<mark>[(),;.\[\]:])
    """,
    re.VERBOSE | re.DOTALL,
)

#: Words that PostgreSQL's grammar keeps to itself, so that without quotes they name nothing.
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    default deferrable desc distinct do else end except false fetch for foreign from grant group having in
    initially intersect into lateral leading limit not null offset on only or order placing primary references
    returning select some symmetric table then to trailing true union unique using variadic when where window
    with
    """.split()
)

#: Functions that are called without parentheses.
_BARE = frozenset(
    """
    current_date current_time current_timestamp localtime localtimestamp current_catalog current_role
    current_schema current_user session_user system_user user
    """.split()
)

_SETTING: tuple[Name, ...] = ((None, "current_setting"), ("pg_catalog", "current_setting"))

#: Operators that are meant by words such as IN, BETWEEN, LIKE, DISTINCT and ORDER BY.
_IMPLIED = frozenset("= <> < > <= >= ~~ !~~ ~~* !~~* ~ !~".split())


@dataclass(slots=True)
class Words:
    """What a piece of SQL may mean.

    :param names: whatever may be a relation.
    :param called: whatever may be a function, for its parentheses.
    :param plain: single names, which may be columns, or functions of a row; ``*`` for all columns.
    :param types: names of types that values other than literals are surely made into.
    :param labels: names of types that they may be made into.
    :param settings: what ``current_setting`` is asked for.
    :param doubts: what depends on the clock, chance or the session: subject and reason.
    :param unclear: what can't be read.
    """

    names: set[Name] = field(default_factory=set)
    called: set[Name] = field(default_factory=set)
    plain: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=lambda: set(_IMPLIED))
    settings: set[str] = field(default_factory=set)
    doubts: set[tuple[str, str]] = field(default_factory=set)
    unclear: set[str] = field(default_factory=set)

    @property
    def columns(self) -> frozenset[str]:
        """Names that it may have for columns of tables that are named elsewhere.

        A subquery may take a whole row under a name of its own, which is all columns.
        """
        whole = not self.plain.isdisjoint({"select", "table", "join"})
        return frozenset(self.plain | ({"*"} if whole else set()))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")

    @property
    def is_literal(self) -> bool:
        """Whether its value can be looked at: the clock is not in it."""
        return self.kind in ("string", "bind", "number")

    def says(self, *texts: str) -> bool:
        """Whether it is one of these keywords or marks, which quotes would make a name."""
        return self.kind not in ("quoted", "string") and self.text in texts


_END = _Token("end", "")


def folded(name: str) -> str:
    """A name that is written without quotes, as PostgreSQL reads it: ASCII letters are in lower case."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


@lru_cache(maxsize=256)
def words_of(sql: str) -> Words:
    """Read SQL: a statement, a part of one, or several; its parameters are ``:name`` or ``$1``."""
    reader = _Reader()
    reader.read(sql)
    return reader.words


class _Reader:
    def __init__(self) -> None:
        self.words = Words()
        self._tokens: list[_Token] = []

    def read(self, sql: str) -> None:
        self._tokens = list(self._split(sql))
        for at, token in enumerate(self._tokens):
            if token.kind == "string":
                self._string(at)
            elif token.kind == "operator":
                self._operator(at)
            elif token.is_name and not (self._at(at - 1).says(".") and self._at(at - 2).is_name):
                self._name(at)
        everything = self.words.plain | {name for _, name in self.words.called}
        if everything & CONVERTING:
            self.words.types |= everything & MOMENT_TYPES

    def _split(self, sql: str) -> Iterator[_Token]:
        place = 0
        while place < len(sql):
            match = _TOKEN.match(sql, place)
            if match is None:
                self.words.unclear.add("an escape, a comment or a string of a special kind")
                return
            place = match.end()
            kind = str(match.lastgroup)
            if kind == "word":
                yield _Token(kind, folded(match[0]))
            elif kind == "quoted":
                yield _Token(kind, match[0][1:-1].replace('""', '"'))
            elif kind != "space":
                yield _Token(kind, match[0])

    def _at(self, place: int) -> _Token:
        return self._tokens[place] if 0 <= place < len(self._tokens) else _END

    def _string(self, at: int) -> None:
        text = self._at(at).text
        if clock_word(text):
            self.words.doubts.add((text, REASONS["now"]))
        if self._at(at + 1).kind == "string":
            self.words.unclear.add("a string in several parts")

    def _operator(self, at: int) -> None:
        """Whatever PostgreSQL may read as an operator in a row of operator characters."""
        text = self._at(at).text
        places = range(len(text))
        self.words.operators |= {text[start : end + 1] for start in places for end in places[start:]}
        if text.startswith("*") and self._at(at - 1).says("select", "distinct", "all", ",", "."):
            self.words.plain.add("*")

    def _name(self, at: int) -> None:
        """A name with whatever qualifies it: ``schema.table.column``."""
        texts, end = [self._at(at).text], at + 1
        while self._at(end).says(".") and self._at(end + 1).is_name:
            texts.append(self._at(end + 1).text)
            end += 2
        before, keyword = self._at(at - 1), self._at(at).says(*_RESERVED)
        if before.kind == "cast" or before.says("as"):
            self._made(at, texts[-1])
        if self._at(end).kind == "string" and texts[-1].startswith("reg"):
            self.words.types.add(texts[-1])  # regclass 'name'
        if self._at(end).says("(") and not keyword:
            self._called(end, (texts[-2] if len(texts) > 1 else None, texts[-1]))
        else:
            self._plain(at, texts, keyword)

    def _plain(self, at: int, texts: list[str], keyword: bool) -> None:
        self.words.plain.add(texts[-1])
        if len(texts) == 1 and self._at(at).says(*_BARE):
            self.words.doubts.add((texts[0], REASONS[texts[0]]))
        elif len(texts) == 1 and self._at(at).says("tablesample"):
            self.words.doubts.add(("TABLESAMPLE", REASONS["random"]))
        if not keyword:
            self.words.names.update((None, text) for text in texts)
            self.words.names.update(pairwise(texts))

    def _called(self, opening: int, name: Name) -> None:
        argument, after = self._at(opening + 1), self._at(opening + 2)
        if name in _SETTING and argument.kind == "string" and after.says(",", ")"):
            self.words.settings.add(argument.text[1:-1].replace("''", "'").lower())
        elif name[1] in _BARE:
            self.words.doubts.add((name[1], REASONS[name[1]]))
        else:
            self.words.called.add(name)
        if not (argument.is_literal and after.says(")")) and self._is_single(opening):
            self.words.labels.add(name[1])  # type(value) is a cast

    def _is_single(self, opening: int) -> bool:
        """Whether there is one argument at most in the parentheses that begin here."""
        depth = 0
        for token in self._tokens[opening:]:
            depth += token.says("(", "[") - token.says(")", "]")
            if depth == 0 or (depth == 1 and token.says(",")):
                return depth == 0
        return True

    def _made(self, at: int, name: str) -> None:
        operand = self._at(at - 2)
        if self._at(at - 1).kind == "cast":
            self.words.types.update({name} if not operand.is_literal or name.startswith("reg") else ())
        elif not (operand.is_literal and self._at(at - 3).says("(")) or name.startswith("reg"):
            self.words.labels.add(name)
