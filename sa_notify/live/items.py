"""What a statement selects, item by item: its name, and how its values become JSON."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, inspect, select
from sqlalchemy.orm import Bundle, InstanceState, Mapper
from sqlalchemy.types import NULLTYPE

from sa_notify.errors import QueryError
from sa_notify.live.excluded import clause_of, shown_by
from sa_notify.live.resolve import signature
from sa_notify.live.values import Encoder, encode, encoder_for


@dataclass(frozen=True, slots=True)
class Item:
    """One selected item.

    :param clause: the SQL expression; of a whole entity or a bundle the class, alias or bundle.
    :param mapper: of a whole entity, else ``None``.
    :param encode: its values in JSON terms.
    :param layout: equal for items that make equal JSON of equal values.
    """

    name: str
    clause: Any
    mapper: Mapper[Any] | None
    encode: Encoder
    layout: Hashable


def items_of(statement: Any) -> tuple[Item, ...]:
    """The selected items in order.

    :raises QueryError: two have the same name, or one shows an excluded column.
    """
    if isinstance(statement, CompoundSelect):
        found = tuple(_column_item(str(name), column) for name, column in statement.selected_columns.items())
        _refuse_repeated(str(column.key) for column in statement.selected_columns)
        for column in _selected_by_parts(statement):
            _refuse_excluded(str(column.key), column, "select columns by name, not whole models, in a union")
    else:
        described = enumerate(statement.column_descriptions, 1)
        found = tuple(_item(_name(item, number), item["expr"]) for number, item in described)
        for expression in _with_expressions(statement):
            _refuse_excluded("with_expression()", expression)
    _refuse_repeated(item.name for item in found)
    return found


# -- names


def _name(described: Any, number: int) -> str:
    """The name SQLAlchemy gives an item that is selected alone: beside others it numbers repeated ones."""
    (alone,) = select(described["expr"]).column_descriptions
    name = alone["name"]
    if name is None and described["expr"] is described.get("entity"):
        return str(described["type"].__name__)  # an alias without a name
    return f"column_{number}" if name is None or name == "_no_label" else str(name)


def _refuse_repeated(names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise QueryError(
                f"two selected items are called {name!r}: name columns with .label(), and models with "
                "aliased(..., name=)"
            )


# -- kinds of items


def _item(name: str, expression: Any) -> Item:
    if isinstance(expression, Bundle):
        return _bundle_item(name, expression)
    entity = inspect(expression, raiseerr=False)
    if getattr(entity, "is_mapper", False) or getattr(entity, "is_aliased_class", False):
        mapper: Any = getattr(entity, "mapper", None)
        return Item(name, expression, mapper, encode_entity, (name, mapper.class_))
    return _column_item(name, expression)


def _column_item(name: str, expression: Any) -> Item:
    _refuse_excluded(name, expression)
    clause = clause_of(expression)
    type_ = getattr(clause, "type", NULLTYPE)
    return Item(name, clause, None, encoder_for(type_), (name, signature(type_)))


def _bundle_item(name: str, bundle: Bundle[Any]) -> Item:
    inner = [_item(key, expression) for key, expression in zip(bundle.c.keys(), bundle.exprs, strict=True)]

    def encode_bundle(values: Any) -> Any:
        if not hasattr(values, "_asdict"):
            return encode(values)  # a bundle of one's own makes what it likes
        return {item.name: item.encode(value) for item, value in zip(inner, values, strict=True)}

    kind: Any = type(bundle)
    layout = (name, kind, *(item.layout for item in inner))
    return Item(name, bundle, None, encode_bundle, layout)


# -- entities

_ATTRIBUTES: "WeakKeyDictionary[Mapper[Any], dict[str, Encoder]]" = WeakKeyDictionary()


def encode_entity(entity: Any) -> dict[str, Any] | None:
    """Its loaded column attributes that may be sent, by name; nothing is loaded for the purpose."""
    if entity is None:
        return None
    state: InstanceState[Any] = inspect(entity)
    loaded = state.dict
    return {
        name: encode_one(loaded[name])
        for name, encode_one in attributes(state.mapper).items()
        if name in loaded
    }


def attributes(mapper: Mapper[Any]) -> dict[str, Encoder]:
    """Its column attributes that may be sent, in order, and how their values become JSON."""
    found = _ATTRIBUTES.get(mapper)
    if found is None:
        found = _ATTRIBUTES[mapper] = {
            attribute.key: encoder_for(attribute.columns[0].type)
            for attribute in mapper.column_attrs
            if not any(True for column in attribute.columns for _ in shown_by(column))
        }
    return found


# -- excluded columns


def _refuse_excluded(name: str, expression: Any, mend: str = "select other columns") -> None:
    for column in shown_by(expression):
        raise QueryError(
            f"{name} shows {column.table}.{column.name}, which @realtime excludes: {mend}, or take it out "
            "of exclude="
        )


def _selected_by_parts(statement: Any) -> Iterator[Any]:
    for part in statement.selects:
        inner = getattr(part, "element", part)  # a part in parentheses
        if isinstance(inner, CompoundSelect):
            yield from _selected_by_parts(inner)
        else:
            yield from inner.selected_columns


def _with_expressions(statement: Any) -> Iterator[Any]:
    """What ``with_expression()`` puts into attributes of an entity."""
    for option in getattr(statement, "_with_options", ()):
        for loading in getattr(option, "context", ()):
            if loading.strategy == (("query_expression", True),):
                # in 2.0.0 among the options, later among the criteria
                yield from loading.local_opts.values()
                yield from loading._extra_criteria  # noqa: SLF001
