"""Queries written as JSON, and the ``select()`` that each of them means.

A query names its sources (``from``, ``joins``), conditions, columns, order and window; conditions and
expressions are lists that begin with what they are: ``["cmp", "<", ["col", 0, "n"], ["val", "n", "2"]]``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Numeric,
    and_,
    case,
    cast,
    except_,
    exists,
    false,
    func,
    intersect,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.orm import aliased

from tests.oracle.kinds import KINDS
from tests.oracle.world import KEYS, World

Node = list[Any]
Query = dict[str, Any]

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "distinct": lambda a, b: a.is_distinct_from(b),
    "same": lambda a, b: a.is_not_distinct_from(b),
}
_SETS = {"union": union, "all": union_all, "intersect": intersect, "except": except_}


def tables(node: Any) -> set[str]:
    """Every table that a query reads."""
    if isinstance(node, dict):
        own = {node["from"]} if "from" in node else set[str]()
        own |= {join["table"] for join in node.get("joins", ())}
        return own.union(*map(tables, node.values()))
    if isinstance(node, list):
        own = {node[1]} if node and node[0] in ("exists", "insub", "count", "top") else set[str]()
        return own.union(*map(tables, node))
    return set()


def key_labels(query: Query) -> list[str] | None:
    """What the query is registered with as ``key=``."""
    if "union" in query:
        return [label for label, _ in query["parts"][0]["columns"]]
    if query.get("group") or query.get("distinct"):
        return [label for label, _ in query.get("group") or query["columns"]] or None
    return None


def build(world: World, query: Query) -> Any:
    """The statement of a query, made anew."""
    if "union" in query:
        return _set(world, query)
    return _Builder(world, query).statement()


def _set(world: World, query: Query) -> Any:
    parts = [_Builder(world, part).plain() for part in query["parts"]]
    statement = _SETS[query["union"]](*parts)
    columns = list(statement.selected_columns)
    return _window(statement.order_by(*columns), query)


def _window(statement: Any, query: Query) -> Any:
    if query.get("limit") is not None:
        statement = statement.limit(query["limit"])
    return statement.offset(query["offset"]) if query.get("offset") else statement


class _Builder:
    """One SELECT."""

    def __init__(self, world: World, query: Query) -> None:
        self._world, self._query = world, query
        self._sources = [self._entity(query["from"], 0, plain=query.get("plain", False))]
        for number, join in enumerate(query.get("joins", ()), 1):
            self._sources.append(self._entity(join["table"], number, plain=False))
        self._tables = [query["from"], *(join["table"] for join in query.get("joins", ()))]

    def statement(self) -> Any:
        """The whole, with its order and window."""
        query = self._query
        statement = self.plain()
        if query.get("group") or query.get("distinct"):
            return _window(statement.order_by(*self._order(), *self._all_columns()), query)
        return _window(statement.order_by(*self._order(), *self._keys()), query)

    def plain(self) -> Any:
        """Without them."""
        query = self._query
        statement = select(*self._selected())
        statement = statement.select_from(self._sources[0])
        for number, join in enumerate(query.get("joins", ()), 1):
            on = self.condition(join["on"])
            outer = {"isouter": join["kind"] != "inner", "full": join["kind"] == "full"}
            statement = statement.join(self._sources[number], on, **outer)
        if query.get("where") is not None:
            statement = statement.where(self.condition(query["where"]))
        if query.get("group"):
            statement = statement.group_by(*(self.expression(node) for _, node in query["group"]))
            if query.get("having") is not None:
                statement = statement.having(self.condition(query["having"]))
        return statement.distinct() if query.get("distinct") else statement

    # -- parts

    def _entity(self, table: str, number: int, *, plain: bool) -> Any:
        model = self._world.models[table]
        if number == 0 and (narrowed := self._query.get("inner")) is not None:
            inner = select(model.__table__)
            # an expression of the inner query's own only source
            where = _Builder(self._world, {"from": table, "plain": True, "columns": []}).condition(narrowed)
            return (
                inner.where(where).cte("x0") if self._query.get("cte") else inner.where(where).subquery("x0")
            )
        return model if plain else aliased(model, name=f"x{number}")

    def _selected(self) -> list[Any]:
        query = self._query
        if query.get("columns") == "entity":
            return self._sources[:1]
        if query.get("columns") == "entities":
            return list(self._sources)
        named = [*(query.get("group") or ()), *(query.get("columns") or ())]
        return [self.expression(node).label(label) for label, node in named]

    def _keys(self) -> list[Any]:
        pairs = zip(self._sources, self._tables, strict=False)
        return [_attribute(source, name) for source, table in pairs for name in KEYS[table]]

    def _all_columns(self) -> list[Any]:
        named = self._query.get("group") or self._query["columns"]
        return [self.expression(node) for _, node in named]

    def _order(self) -> list[Any]:
        return [
            _sorted(self.expression(node), way, nulls) for node, way, nulls in self._query.get("order", ())
        ]

    # -- expressions

    def expression(self, node: Node) -> Any:
        """What a list means as a value."""
        return getattr(self, f"_x_{node[0]}")(*node[1:])

    def _x_col(self, source: int, name: str) -> Any:
        return _attribute(self._sources[source], name)

    def _x_val(self, kind: str, value: str | None) -> Any:
        return null() if value is None else literal(KINDS[kind].python(value), KINDS[kind].type())

    def _x_mod(self, inner: Node, number: int) -> Any:
        return self.expression(inner) % number

    def _x_add(self, one: Node, other: Node) -> Any:
        # numeric: sums of the largest integers are no error
        return cast(self.expression(one), Numeric) + cast(self.expression(other), Numeric)

    def _x_neg(self, inner: Node) -> Any:
        return -cast(self.expression(inner), Numeric)

    def _x_fn(self, name: str, inner: Node) -> Any:
        return getattr(func, name)(self.expression(inner))

    def _x_coalesce(self, inner: Node, other: Node) -> Any:
        return func.coalesce(self.expression(inner), self.expression(other))

    def _x_case(self, condition: Node, one: Node, other: Node) -> Any:
        return case((self.condition(condition), self.expression(one)), else_=self.expression(other))

    def _x_is(self, condition: Node) -> Any:
        """A condition as a value."""
        return self.condition(condition)

    def _x_count(self, table: str, number: int, condition: Node) -> Any:
        with self._inside(table, number) as inner:
            made = select(func.count()).select_from(inner).where(self.condition(condition))
            return self._of_outer(made, number).scalar_subquery()

    def _x_top(self, table: str, number: int, function: str, name: str, condition: Node) -> Any:
        with self._inside(table, number) as inner:
            value = getattr(func, function)(_attribute(inner, name))
            made = select(value).where(self.condition(condition))
            return self._of_outer(made, number).scalar_subquery()

    def _x_agg(self, function: str, inner: Node | None, *rest: Any) -> Any:
        if inner is None:
            return func.count()
        value = self.expression(inner)
        made = getattr(func, function)(value.distinct() if "distinct" in rest else value)
        filters = [item for item in rest if isinstance(item, list)]
        return made.filter(self.condition(filters[0])) if filters else made

    # -- conditions

    def condition(self, node: Node) -> Any:
        """What a list means as a condition."""
        return getattr(self, f"_c_{node[0]}")(*node[1:])

    def _c_and(self, *parts: Node) -> Any:
        return and_(true(), *map(self.condition, parts))

    def _c_or(self, *parts: Node) -> Any:
        return or_(false(), *map(self.condition, parts))

    def _c_not(self, inner: Node) -> Any:
        return not_(self.condition(inner))

    def _c_cmp(self, operator: str, one: Node, other: Node) -> Any:
        return COMPARISONS[operator](self.expression(one), self.expression(other))

    def _c_in(self, negated: bool, inner: Node, kind: str, values: list[str | None]) -> Any:
        expression = self.expression(inner)
        bound = [None if value is None else KINDS[kind].python(value) for value in values]
        return expression.not_in(bound) if negated else expression.in_(bound)

    def _c_between(self, negated: bool, inner: Node, one: Node, other: Node) -> Any:
        made = self.expression(inner).between(self.expression(one), self.expression(other))
        return not_(made) if negated else made

    def _c_null(self, negated: bool, inner: Node) -> Any:
        expression = self.expression(inner)
        return expression.is_not(None) if negated else expression.is_(None)

    def _c_bool(self, inner: Node, way: str) -> Any:
        expression = self.expression(inner)
        ways = {"plain": expression, "true": expression.is_(True), "false": expression.is_(False)}
        return ways[way]

    def _c_like(self, operator: str, inner: Node, pattern: str) -> Any:
        return getattr(self.expression(inner), operator)(pattern)

    def _c_exists(self, table: str, number: int, negated: bool, condition: Node) -> Any:
        with self._inside(table, number) as inner:
            made = self._of_outer(exists().select_from(inner).where(self.condition(condition)), number)
        return not_(made) if negated else made

    def _c_insub(
        self, table: str, number: int, negated: bool, outer: Node, name: str, condition: Node
    ) -> Any:
        expression = self.expression(outer)
        with self._inside(table, number) as inner:
            chosen = self._of_outer(select(_attribute(inner, name)).where(self.condition(condition)), number)
        return expression.not_in(chosen) if negated else expression.in_(chosen)

    @contextmanager
    def _inside(self, table: str, number: int) -> Iterator[Any]:
        """The source of a subquery, which its condition names as ``number``."""
        before = list(self._sources)
        self._sources[number:] = [aliased(self._world.models[table], name=f"y{number}")]
        yield self._sources[number]
        self._sources = before

    def _of_outer(self, made: Any, number: int) -> Any:
        """A subquery may name whatever is outside, two levels away too."""
        return made.correlate(*self._sources[:number])


def _attribute(source: Any, name: str) -> Any:
    return source.c[name] if hasattr(source, "c") else getattr(source, name)


def _sorted(expression: Any, way: str, nulls: str | None) -> Any:
    made = expression.desc() if way == "desc" else expression.asc()
    return {"first": made.nulls_first, "last": made.nulls_last}[nulls]() if nulls else made
