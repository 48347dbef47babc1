"""What statements have in common that differ in bound values alone."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import BindParameter, Column, Label, Select, UnaryExpression
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import LoaderCriteriaOption, Mapper
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import Grouping

from sa_notify.live.dependencies import Dependencies
from sa_notify.live.flat import Flat
from sa_notify.live.identity import freeze
from sa_notify.live.literals import literal_type
from sa_notify.live.resolve import signature

_CLAUSES = ("_order_by_clauses", "_group_by_clauses", "_distinct_on")
_EXTENSIONS = ("_post_select_clause", "_pre_columns_clause", "_post_criteria_clause", "_post_body_clause")


class Template:
    """Equal for statements that can be read together; equal ones are one object while it is used.

    :ivar source: what the first of them is read from: any other is read from it with its own values.
    :ivar binds: the first one's bound values.
    :ivar rebinds: whether the others can also be made of the first one's statement.
    :ivar made_anew: it must be copied for that; otherwise it is given other values when it is executed.
    :ivar barred: they can't be read together after all, as the database has shown.
    :ivar unkeyed: the same of their rows by key.
    :ivar flat: how their rows are made of columns alone, once that is known.
    :ivar made: statements that are made of the first one's, by what they are for.
    """

    __slots__ = (
        *("__weakref__", "_hash", "_parts"),
        *("barred", "binds", "flat", "made", "made_anew", "rebinds", "source", "unkeyed"),
    )

    def __init__(self, parts: Hashable, source: Any, binds: Sequence[BindParameter[Any]]) -> None:
        self._parts, self._hash = parts, hash(parts)
        self.source, self.binds = source, tuple(binds)
        self.rebinds = self.made_anew = False
        self.barred = self.unkeyed = False
        self.flat: tuple[Flat | None] | None = None
        self.made: dict[str, Any] = {}

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Template) and self._hash == other._hash and self._parts == other._parts

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Shareable:
    """A statement's template, and its own bound values in the order that is the template's."""

    template: Template
    values: tuple[Any, ...]


_TEMPLATES: "WeakValueDictionary[Template, Template]" = WeakValueDictionary()


def shareable(
    source: Any, statement: Any, found: Dependencies, dialect: Dialect, layout: Hashable, *rest: Hashable
) -> Shareable | None:
    """How a prepared statement is read together with others; ``None`` where that is not surely the same.

    :param source: what it is read from.
    :param layout: what else decides how a row looks.
    :param rest: whatever else must be equal for statements that are read together.
    """
    if found.doubts or not found.options.keys() <= {"schema_translate_map"}:
        return None
    key = statement._generate_cache_key() if isinstance(statement, Select) else None  # noqa: SLF001
    if key is None or any(callable(value) for value in found.params.values()):
        return None
    binds = tuple(key.bindparams)
    fixed = _fixed(statement, binds)
    kinds = None if fixed is None else _kinds(binds, fixed, dialect)
    if kinds is None:
        return None
    types = tuple(signature(bind.type) for bind in binds)
    parts = (key.key, found.sql, kinds, types, freeze(dict(found.options)), layout, *rest)
    made = Template(parts, source, binds)
    template = _TEMPLATES.get(made)
    if template is None:
        if any(_is_odd(element) for element in visitors.iterate(statement)):
            return None
        made.rebinds = _rebinds(statement, key)
        template = _TEMPLATES.setdefault(made, made)
    return Shareable(template, tuple(bind.value for bind in binds))


def with_values(statement: Any, binds: Sequence[BindParameter[Any]], values: Sequence[Any]) -> Any:
    """The statement with other values in the place of its own."""
    given = {bind.key: value for bind, value in zip(binds, values, strict=True)}

    def put(bind: Any) -> None:
        if bind.key in given:
            bind.value = given[bind.key]

    options = {"maintain_key": True, "detect_subquery_cols": True}
    return visitors.cloned_traverse(statement, options, {"bindparam": put})


def _rebinds(statement: Any, key: Any) -> bool:
    """Whether other values take the place of the statement's own, and everything else stays."""
    values = [object() for _ in key.bindparams]
    try:
        made = with_values(statement, key.bindparams, values)._generate_cache_key()  # noqa: SLF001
    except Exception:  # noqa: BLE001  # options are not made to be copied
        return False
    same = made is not None and made.key == key.key
    return same and [id(bind.value) for bind in made.bindparams] == [id(value) for value in values]


def _kinds(binds: Sequence[BindParameter[Any]], fixed: set[int], dialect: Dialect) -> Hashable:
    """Per value its type for PostgreSQL, or itself where it must be the same for all."""
    kinds: list[Hashable] = []
    for bind in binds:
        value: Any = bind.value
        try:
            process: Any = bind.type.dialect_impl(dialect).bind_processor(dialect) or _same
            many = isinstance(value, (list, tuple, set, frozenset))
            values = list(value) if bind.expanding and many else [value]
            if id(bind) in fixed or (many and not bind.expanding):
                kinds.append(freeze(value))
            else:
                kinds.append((bind.expanding, *(_kind(process(value)) for value in values)))
        except Exception:  # noqa: BLE001  # a value that its type refuses: told when the query is read
            return None
    return tuple(kinds)


def _kind(value: Any) -> Hashable:
    found = literal_type(value)
    return freeze(value) if found is None else found


def _same(value: Any) -> Any:
    return value


# -- what can't surely be read together


def _fixed(statement: Any, binds: Sequence[BindParameter[Any]]) -> set[int] | None:
    """Binds whose values must be the same; ``None`` when the statement is read alone.

    In a session a model's instance is one object, and what was loaded first stays: with all rows in one
    session, nothing but its key may decide what it holds.
    """
    mappers = list(_mappers(statement))
    if any(_is_polymorphic(mapper) for mapper in mappers):
        return None
    loading = [option for option in _options(statement) if not isinstance(option, LoaderCriteriaOption)]
    if any(not _is_plain(item) for option in loading for item in getattr(option, "context", (option,))):
        return None
    if len({id(mapper) for mapper in mappers}) < len(mappers) and len(loading) > 1:
        return None
    if len(loading) == len(_options(statement)) or all(_has_columns_alone(mapper) for mapper in mappers):
        return set()
    bare = statement._generate()  # noqa: SLF001
    bare._with_options = ()  # noqa: SLF001
    inside = {id(bind) for bind in bare._generate_cache_key().bindparams}  # noqa: SLF001
    return {id(bind) for bind in binds} - inside


def _options(statement: Any) -> tuple[Any, ...]:
    return tuple(statement._with_options)  # noqa: SLF001


def _is_plain(loading: Any) -> bool:
    """Whether an option chooses columns, or loads no relationship."""
    strategy = getattr(loading, "strategy", _same)
    if strategy is None:
        return True
    names = {name for name, _ in strategy} if isinstance(strategy, tuple) else {None}
    return strategy == (("lazy", "select"),) or names <= {"deferred", "instrument", "raiseload"}


def _mappers(statement: Any) -> Iterator[Mapper[Any]]:
    for described in statement.column_descriptions:
        if described.get("entity") is not None and described["expr"] is described["entity"]:
            yield described["type"].__mapper__


def _is_polymorphic(mapper: Mapper[Any]) -> bool:
    return mapper.polymorphic_on is not None or len(list(mapper.base_mapper.self_and_descendants)) > 1


def _has_columns_alone(mapper: Mapper[Any]) -> bool:
    return all(isinstance(attribute.columns[0], Column) for attribute in mapper.column_attrs)


def _is_odd(element: Any) -> bool:
    """Whether a bound value is what rows are sorted or grouped by, where a number is a column's place.

    Or whether it is an extension of SELECT that nobody knows.
    """
    parts = [getattr(element, name, None) for name in _EXTENSIONS]
    if any(part is not None and not hasattr(part, "_distinct_on") for part in parts):
        return True
    clauses = [clause for name in _CLAUSES for clause in getattr(element, name, ())]
    return any(_is_bind(clause) for clause in clauses)


def _is_bind(clause: Any) -> bool:
    while isinstance(clause, (UnaryExpression, Label, Grouping)):
        clause = clause.element
    return isinstance(clause, BindParameter)
