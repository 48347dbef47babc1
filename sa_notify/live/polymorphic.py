"""Tables that a statement of a model leads to without naming them."""

from collections.abc import Hashable, Iterator
from typing import Any

from sqlalchemy import TableClause
from sqlalchemy.orm import Mapper


def later_tables(statement: Any) -> frozenset[TableClause]:
    """Tables of subclasses whose columns are loaded after the statement, by ``selectin``.

    With a ``selectin_polymorphic()`` option that is taken to be any subclass.
    """
    asked = _asked(statement)
    found: set[Any] = set()
    for mapper in _mappers(statement):
        for inner in mapper.self_and_descendants:
            if asked or inner.polymorphic_load == "selectin":
                found.update(inner.tables)
    return frozenset(table for table in found if isinstance(table, TableClause))


def loaded_later(statement: Any) -> Hashable:
    """Equal for statements of which equal SQL loads equal rows: what is loaded later, their options say."""
    keys = [option._generate_cache_key() for option in statement._with_options]  # noqa: SLF001
    return tuple(object() if key is None else key.key for key in keys)


def _mappers(statement: Any) -> Iterator[Mapper[Any]]:
    for described in getattr(statement, "column_descriptions", ()):
        entity = described.get("entity")
        if entity is not None and described["expr"] is entity:
            yield described["type"].__mapper__


def _asked(statement: Any) -> bool:
    strategy = (("selectinload_polymorphic", True),)
    return any(
        getattr(loading, "strategy", None) == strategy
        for option in getattr(statement, "_with_options", ())
        for loading in getattr(option, "context", ())
    )
