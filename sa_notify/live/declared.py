"""What a query's author says that the hidden parts of its statement read."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Table, TableClause, inspect
from sqlalchemy.orm import Mapper

from sa_notify.capture.names import stored
from sa_notify.errors import QueryError
from sa_notify.live.excluded import clause_of

#: By table the columns that are read; ``None`` for all.
Declared = tuple[tuple[TableClause, frozenset[str] | None], ...]


def declared(tables: object) -> Declared:
    """Read the argument ``tables=``.

    :param tables: models and tables, or columns where only these are read.
    :raises QueryError: for anything else.
    """
    if isinstance(tables, (str, TableClause, type)) or not isinstance(tables, Iterable):
        shown = tables.__name__ if isinstance(tables, type) else tables
        raise QueryError(f"tables={shown} is not a list: write tables=[{shown}]")
    found: dict[TableClause, set[str] | None] = {}
    for item in tables:
        for table, column in _read(item):
            columns = found.setdefault(table, set())
            found[table] = None if column is None or columns is None else columns | {column}
    ordered = sorted(found.items(), key=lambda entry: str(entry[0]))
    return tuple((table, None if columns is None else frozenset(columns)) for table, columns in ordered)


def _read(item: Any) -> list[tuple[TableClause, str | None]]:
    if isinstance(item, TableClause):
        return [(item, None)]
    mapper: Any = inspect(item, raiseerr=False) if isinstance(item, type) else None
    if isinstance(mapper, Mapper):
        tables: list[Any] = list(mapper.tables)
        return [(table, None) for table in tables if isinstance(table, TableClause)]
    # a mapped attribute's column is annotated; its table is the model's own
    clause: Any = clause_of(item)
    bases = [base for base in getattr(clause, "base_columns", ()) if isinstance(base, Column)]
    of: list[Any] = [base.table for base in bases]
    if not bases or not all(isinstance(table, Table) for table in of):
        raise QueryError(
            f"tables= has {item!r}: name models or tables, as in tables=[TodoItem], or columns, as in "
            "tables=[TodoItem.title]"
        )
    return [(table, stored(base.name)) for table, base in zip(of, bases, strict=True)]
