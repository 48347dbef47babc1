"""Statements that differ in bound values alone, as one statement over rows of parameters.

It is made of the text that a driver would get, so that whatever SQLAlchemy does with the statement and its
rows, it does as when the statement is read alone.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sa_notify.change import Key
from sa_notify.errors import NotTogether
from sa_notify.live.identity import freeze
from sa_notify.live.literals import UNTYPED, literal_type, parameter_type

#: The parameter rows, and their column that numbers the queries: for a statement to select.
PARAMETERS, NUMBER = "_sa_notify", "_sa_notify.n"

#: What types the question's strings have, in order.
TYPES = (
    # a null typmod would be written as that of SQL's short names: bpchar as character(1)
    "SELECT format_type(told.type, -1) FROM pg_prepared_statements, "  # noqa: S608
    "unnest(parameter_types) WITH ORDINALITY AS told (type, place) "
    f"WHERE name = '{PARAMETERS}' ORDER BY told.place"
)
FORGET = f"DEALLOCATE {PARAMETERS}"

_PLACEHOLDER = re.compile(r"%%|%\((?P<name>[^)]+)\)s(?P<cast>::)?")


def key_column(place: int) -> str:
    """The column of the parameter rows with the texts of a key's column."""
    return f"{PARAMETERS}.k{place}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a driver gets for one query read alone: text with ``pyformat`` placeholders, and values."""

    text: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the parameter rows, or the place of one whose type PostgreSQL has to tell."""

    name: str
    type: str
    values: list[Any]


class Together:
    """One statement for many of one text, each of which selects :data:`NUMBER` as its last column.

    A value that is the same for all stays a value; PostgreSQL plans with it.

    :param sent: one for each parameter row.
    :param numbers: of the query that each row belongs to.
    :param width: how many columns the statement has.
    :param keys: the key that is asked for with each row; none when the statement names no key.
    :param cast: the driver's placeholders tell types (``%(id_1)s::INTEGER``), else values are literals.
    :raises NotTogether: the texts differ, or values can't be told apart by a column.
    """

    def __init__(
        self, sent: Sequence[Sent], numbers: Sequence[int], width: int, keys: Sequence[Key], *, cast: bool
    ) -> None:
        first = sent[0]
        if any(other.text != first.text for other in sent):
            raise NotTogether("the texts differ")
        self._text, self._width, self._values = first.text, width, first.values
        matches = _PLACEHOLDER.finditer(first.text)
        self._cast = cast
        self._is_cast: dict[str, bool] = {}
        for match in matches:
            if name := match["name"]:
                self._is_cast[name] = self._is_cast.get(name, True) and match["cast"] is not None
        self._columns: dict[str, _Column] = {}
        for name in self._is_cast:
            values = [one.values[name] for one in sent]
            if _differ(values):
                type_ = _common(self._type(value, self._is_cast[name]) for value in values)
                self._columns[name] = _Column(f"x{len(self._columns)}", type_, values)
        self._extra = [_Column("n", "integer", list(numbers)), *_key_columns(keys)]

    @property
    def question(self) -> tuple[str, Mapping[str, Any]] | None:
        """A statement after which :data:`TYPES` tell what types strings have where they stand.

        Till :data:`FORGET`; ``None`` when there is nothing to ask.
        """
        if not self._untyped:
            return None
        columns = [column for column in self._columns.values() if column.type != UNTYPED]
        array = _null if self._cast else _array
        prepared, values = self._rendered(columns + self._extra, self._asking(), array)
        return f"PREPARE {PARAMETERS} AS {prepared}", {} if self._cast else values

    def statement(self, types: Sequence[str] = ()) -> tuple[str, Mapping[str, Any]]:
        """The statement and its values; its rows are each query's in order, one query after the other.

        :param types: what :data:`TYPES` gave.
        :raises NotTogether: the places of a string do not agree about its type.
        """
        told: dict[str, str] = {}
        for name, type_ in zip(self._untyped, types, strict=True):
            if told.setdefault(name, type_) != type_:
                raise NotTogether(f"{name} is of two types")
        columns = [
            _Column(column.name, told.get(name, column.type), column.values)
            for name, column in self._columns.items()
        ]
        return self._rendered(columns + self._extra, self._column_of, _array)

    def _type(self, value: Any, cast: bool) -> str | None:
        return parameter_type(value, cast=cast) if self._cast else literal_type(value)

    @property
    def _untyped(self) -> list[str]:
        """Names of strings whose type the place decides, place by place."""
        names = (match["name"] for match in _PLACEHOLDER.finditer(self._text))
        return [name for name in names if name in self._columns and self._columns[name].type == UNTYPED]

    def _column_of(self, name: str) -> str | None:
        column = self._columns.get(name)
        return None if column is None else f"{PARAMETERS}.{column.name}"

    def _nothing(self, name: str) -> str:
        """What stands for a value in a statement that is not executed, nor sent values."""
        if self._is_cast[name]:
            return "NULL"
        type_ = self._type(self._values[name], cast=False)
        if not type_:
            raise NotTogether("a value is sent without its type")
        return f"CAST(NULL AS {type_})"

    def _asking(self) -> Callable[[str], str | None]:
        places = 0

        def place_of(name: str) -> str | None:
            nonlocal places
            column = self._columns.get(name)
            if column is None:
                return self._nothing(name) if self._cast else None
            if column.type != UNTYPED:
                return self._column_of(name)
            places += 1
            return f"${places}"

        return place_of

    def _rendered(
        self,
        columns: Sequence[_Column],
        place_of: Callable[[str], str | None],
        array: Callable[[_Column], str],
    ) -> tuple[str, Mapping[str, Any]]:
        def place(match: re.Match[str]) -> str:
            found = place_of(match["name"]) if match["name"] else None
            return match[0] if found is None else f"{found}{match['cast'] or ''}"

        names = [f"c{place}" for place in range(self._width)]
        arrays = ", ".join(f"CAST({array(column)} AS {column.type}[])" for column in columns)
        # every name in it is made here, and the text is what SQLAlchemy has made
        text = (
            f"SELECT {', '.join(f'q.{name}' for name in names)} "  # noqa: S608
            f"FROM unnest({arrays}) AS {PARAMETERS} ({', '.join(column.name for column in columns)}) "
            f"CROSS JOIN LATERAL (SELECT r.*, row_number() OVER () AS o "
            f"FROM ({_PLACEHOLDER.sub(place, self._text)}) AS r ({', '.join(names)})) AS q "
            f"ORDER BY q.{names[-1]}, q.o"
        )
        return text, {
            **{name: value for name, value in self._values.items() if name not in self._columns},
            **{f"{PARAMETERS}_{column.name}": column.values for column in columns},
        }


def _array(column: _Column) -> str:
    return f"%({PARAMETERS}_{column.name})s"


def _null(_: _Column) -> str:
    return "NULL"


def _differ(values: Sequence[Any]) -> bool:
    first: Hashable = freeze(values[0])
    return any(freeze(value) != first for value in values)


def _common(types: Iterable[str | None]) -> str:
    found = set(types)
    type_ = found.pop()
    if found or type_ is None:
        raise NotTogether("values have no type in common")
    return type_


def _key_columns(keys: Sequence[Key]) -> list[_Column]:
    return [_Column(f"k{place}", "text", list(texts)) for place, texts in enumerate(zip(*keys, strict=True))]
