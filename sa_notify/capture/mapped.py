"""From what ``@realtime`` is put on to the tables behind it, and from attribute to column names."""

import inspect as python_inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Table, inspect as sqlalchemy_inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedClassError, UnmappedColumnError

from sa_notify.capture.names import stored
from sa_notify.errors import RealtimeError


def mapper_of(target: object) -> Mapper[Any]:
    """The mapper of a decorated class.

    :raises RealtimeError: the class has no table of its own to watch.
    """
    if not python_inspect.isclass(target):
        raise RealtimeError(f"@realtime goes on a mapped class or a Table, not on {target!r}")
    try:
        mapper = sqlalchemy_inspect(target, raiseerr=False)
    except UnmappedClassError:  # DeferredReflection before prepare()
        mapper = None
    if isinstance(mapper, Mapper):
        return mapper
    if "__abstract__" in target.__dict__:
        raise RealtimeError(f"{target.__name__} is abstract: decorate the concrete classes")
    raise RealtimeError(
        f"{target.__name__} is not mapped: decorate the classes that use a mixin; decorate after "
        "map_imperatively(), or after prepare() of a reflected class"
    )


def tables_of(target: object) -> tuple[Table, ...]:
    """The tables whose rows make up the class, its own last.

    A subclass with joined-table inheritance spans its parents' tables: a change of it may touch any of
    them alone. A single-table subclass shares its parent's table, a concrete one has nothing in it.

    :raises RealtimeError: there is no table, or one without a primary key.
    """
    if isinstance(target, Table):
        tables: tuple[Any, ...] = (target,)
    else:
        mapper = mapper_of(target)
        tables = tuple(dict.fromkeys(m.local_table for m in reversed(tuple(_to_own_root(mapper)))))
    for table in tables:
        _refuse(table)
    return tables


def _to_own_root(mapper: Mapper[Any]) -> Iterator[Mapper[Any]]:
    """From the class up to where its rows begin: a concrete subclass has whole rows in a table of its own."""
    for each in mapper.iterate_to_root():
        yield each
        if each.concrete:
            return


def _refuse(table: Any) -> None:
    if not isinstance(table, Table):
        raise RealtimeError(
            f"{table} is not a table but a selection, which no trigger can watch: "
            "decorate the models of the tables that it selects from"
        )
    if not table.primary_key.columns:
        raise RealtimeError(
            f"{table.fullname} has no primary key, so a change can't say which row it is about: add one"
            " (a view's rows change with its tables: decorate those)"
        )
    if _is_temporary(table):
        raise RealtimeError(
            f"{table.fullname} is temporary: only the session that made it sees it, so nobody could read its"
            " changes. Make it a table (UNLOGGED will do), or take @realtime from it"
        )


def _is_temporary(table: Table) -> bool:
    prefixes = getattr(table, "_prefixes", ())  # of CREATE TABLE; they have no public name
    return any("TEMP" in str(prefix).upper().replace("TEMPORARY", "TEMP").split() for prefix in prefixes)


def column_names(target: object, names: Iterable[str], option: str) -> tuple[str, ...]:
    """Column names for names of columns or mapped attributes, in the order given.

    :raises RealtimeError: a name is of neither; the message has the nearest that is.
    """
    if isinstance(names, str):
        every = ', or carry="all" in lower case' if option == "carry" and names.lower() == "all" else ""
        raise RealtimeError(f"{option}={names!r} is one string: write {option}=[{names!r}]{every}")
    if not isinstance(names, Iterable):
        raise RealtimeError(
            f"{option}={names!r}: write a list of names of columns, {option}=[...], or leave it out"
        )
    known = _known_names(target)
    found: list[str] = []
    for name in names:
        if name not in known:
            raise RealtimeError(_unknown(target, str(name), option, known))
        found += known[name]
    return tuple(dict.fromkeys(found))


def _known_names(target: object) -> dict[str, list[str]]:
    known = {stored(c.name): [stored(c.name)] for table in tables_of(target) for c in table.columns}
    if isinstance(target, Table):
        return known | {c.key: [stored(c.name)] for c in target.columns}
    # column by column: asking the mapper for its attributes would configure relationships, whose other
    # classes may not be written yet
    mapper, attributes = mapper_of(target), defaultdict[str, list[str]](list)
    for column in (column for table in tables_of(target) for column in table.columns):
        with suppress(UnmappedColumnError):
            attributes[mapper.get_property_by_column(column).key].append(stored(column.name))
    return known | attributes


def _unknown(target: object, name: str, option: str, known: Iterable[str]) -> str:
    shown = target.fullname if isinstance(target, Table) else getattr(target, "__name__", target)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known))}"
    return f"{option}= names {name!r}, which is no column of {shown}: {mend}"
