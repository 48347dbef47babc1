"""Rows of many queries made column by column, where a model's instances need not be made for them.

Making an instance and looking into it costs 20 us a row, which is most of a read; a column's values cost
0.1 us each.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import LoaderCriteriaOption, Mapper

from sa_notify.live.dependencies import Dependencies
from sa_notify.live.items import Item, attributes
from sa_notify.live.query import Row
from sa_notify.live.rowkey import distinct, rowkey
from sa_notify.live.shape import Shape
from sa_notify.live.texts import Texter, column_texts, texter_for
from sa_notify.live.values import Encoder, encode_column

_LOADED = (("deferred", False), ("instrument", True))


@dataclass(frozen=True, slots=True)
class Flat:
    """How rows that hold nothing but columns become rows for browsers.

    :param selected: names of the one model's attributes that are selected in its stead; none: the statement
        selects columns as it is.
    :param sent: name, place and encoder of each value.
    :param key: places of a row's key, and what makes its texts; none: the key is the ordinal.
    """

    selected: tuple[str, ...]
    sent: tuple[tuple[str, int, Encoder], ...]
    key: tuple[tuple[int, Texter], ...]

    def statement(self, statement: Any, shape: Shape) -> Any:
        """The statement, with the model's columns in its stead."""
        if not self.selected:
            return statement
        (item,) = shape.items
        columns = (getattr(item.clause, name) for name in self.selected)
        return statement.with_only_columns(*columns, maintain_column_froms=True)

    def by_number(self, parts: Iterable[Sequence[Sequence[Any]]]) -> dict[int, Collection[Row]]:
        """Each query's rows by its number, which is the last column.

        Not a pair for each: of what lives on, the garbage collector looks at every tuple with a row in it
        again and again, which took more time than all else.

        :param parts: the rows one after the other, query by query.
        """
        found: dict[int, tuple[list[str], list[dict[str, Any]]]] = {}
        for part in parts:
            columns = list(zip(*part, strict=True))
            keys, values = self._keys(columns), self._values(columns)
            start = 0
            for number, count in Counter(columns[-1]).items():
                end = start + count
                own = found.setdefault(int(number), ([], []))
                own[0].extend(keys[start:end])
                own[1].extend(values[start:end])
                start = end
        return {number: self._rows(*own) for number, own in found.items()}

    def _rows(self, keys: list[str], values: list[dict[str, Any]]) -> Collection[Row]:
        own = keys if self.key else [str(place) for place in range(len(values))]
        return dict(zip(distinct(own), values, strict=True)).items()

    def _values(self, columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        names = [name for name, _, _ in self.sent]
        if not names:
            return [{} for _ in columns[-1]]
        encoded = [encode_column(columns[place], encoder) for _, place, encoder in self.sent]
        values = [dict(zip(names, row, strict=True)) for row in zip(*encoded, strict=True)]
        if not self.selected or not all(None in columns[place] for place, _ in self.key):
            return values
        # a model without a key is none: the other side of an outer join
        keys = zip(*(columns[place] for place, _ in self.key), strict=True)
        is_there = [any(part is not None for part in key) for key in keys]
        return [row if there else {} for row, there in zip(values, is_there, strict=True)]

    def _keys(self, columns: Sequence[Sequence[Any]]) -> list[str]:
        texts = [column_texts(columns[place], texter) for place, texter in self.key]
        if len(texts) == 1:
            return ["null" if text is None else text for text in texts[0]]
        return [rowkey(key) for key in zip(*texts, strict=True)]


def flat(statement: Any, shape: Shape, found: Dependencies, dialect: Dialect) -> Flat | None:
    """How the statement's rows are made of columns; ``None`` where instances may hold something else."""
    if all(_is_column(item) for item in shape.items):
        sent = tuple((item.name, place, item.encode) for place, item in enumerate(shape.items))
        return Flat((), sent, tuple(shape.key_places))
    if len(shape.items) != 1 or statement._distinct or not _is_bare(statement):  # noqa: SLF001
        return None
    made = _of_entity(shape.items[0].mapper)
    if made is None or not _reads_the_same(made.statement(statement, shape), found, dialect):
        return None
    return made


def _is_column(item: Item) -> bool:
    return item.mapper is None and isinstance(item.clause, ColumnElement)


def _is_bare(statement: Any) -> bool:
    """Whether no option chooses what is loaded, but for relationships."""
    return all(
        isinstance(option, LoaderCriteriaOption) or getattr(option, "strategy", None) == (("lazy", "select"),)
        for option in statement._with_options  # noqa: SLF001
    )


def _of_entity(mapper: Mapper[Any] | None) -> Flat | None:
    """Of a model whose attributes are what its columns hold, and of which nobody hears that it is loaded."""
    if mapper is None or mapper.class_manager.dispatch.load or mapper.class_manager.dispatch.refresh:
        return None
    loaded = [attribute for attribute in mapper.column_attrs if not getattr(attribute, "deferred", False)]
    for attribute in loaded:
        plain = len(attribute.columns) == 1 and isinstance(attribute.columns[0], Column)
        if not plain or attribute.strategy_key != _LOADED:
            return None
    keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    encoders = attributes(mapper)
    sent = [attribute.key for attribute in loaded if attribute.key in encoders]
    selected = list(dict.fromkeys((*keys, *sent)))
    return Flat(
        tuple(selected),
        tuple((name, selected.index(name), encoders[name]) for name in sent),
        tuple(
            (selected.index(name), texter_for(column.type))
            for name, column in zip(keys, mapper.primary_key, strict=True)
        ),
    )


def _reads_the_same(statement: Any, found: Dependencies, dialect: Dialect) -> bool:
    """Whether the statement differs from the one that was analysed in its list of columns alone."""
    text = str(statement.compile(dialect=dialect))
    return text.startswith("SELECT ") and text.partition("\nFROM ")[2] == found.sql.partition("\nFROM ")[2]
