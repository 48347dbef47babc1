"""Seeded bugs of what is not read: which changes concern a query."""

import operator
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sa_notify.live import logic, predicate, terms
from sa_notify.live.leaves import comparison
from tests.oracle.seeding import CARRYING, Seed, bug

# -- conditions


@bug
def not_known_counts_as_false(seed: Seed) -> None:
    """What Python can't decide is skipped."""
    seed.value("sa_notify.live.leaves:UNKNOWN", logic.FALSE)
    seed.value("sa_notify.live.predicate:unknown", lambda columns=(): predicate.constant(logic.FALSE))


@bug
def null_is_distinct_from_nothing(seed: Seed) -> None:
    """``IS DISTINCT FROM`` is never NULL, as ``!=`` is."""
    seed.wrap(
        "sa_notify.live.leaves:distinction",
        lambda _: (
            lambda operand, value, *, negate: comparison(
                operand, operator.eq if negate else operator.ne, value
            )
        ),
    )


@bug
def or_asks_for_all(seed: Seed) -> None:
    seed.value("sa_notify.live.predicate:_Any.table", logic.AND)


def _images(seed: Seed, choose: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    seed.wrap("sa_notify.live.known:images", lambda images: lambda *given: choose(*images(*given)))


@bug
def only_the_row_before_is_looked_at(seed: Seed) -> None:
    """The old value is taken for the new one."""
    _images(seed, lambda before, after: (before, after and before and {**after, **before}))


@bug
def only_the_row_after_is_looked_at(seed: Seed) -> None:
    """What leaves a filter is skipped."""
    _images(seed, lambda before, after: (before and after and {**before, **after}, after))


@bug
def less_or_equal_is_less(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.leaves:comparison",
        lambda comparison: (
            lambda operand, compare, value: comparison(
                operand, operator.lt if compare is operator.le else compare, value
            )
        ),
    )


def _compared(seed: Seed, pattern: str, chosen: terms.Terms) -> None:
    """A type is compared in other terms than its own, whatever the catalog calls it."""
    seed.anew("sa_notify.live.terms:_cached")
    seed.value("sa_notify.live.owning:_fits", lambda types, expected: True)
    seed.value("sa_notify.live.terms:_BY_NAME", ((re.compile(pattern), chosen), *terms._BY_NAME))


@bug(kinds=["ci"], deliveries=CARRYING, icu=True)
def collations_that_ignore_case_are_compared(seed: Seed) -> None:
    """They are distrusted by what the type says of itself, by its name, and by the catalog."""
    _compared(seed, r"TEXT COLLATE ORACLE_LOOSE", terms.TEXT)
    seed.value("sa_notify.live.terms:_has_collation", lambda type_: False)


@bug(kinds=["ch"], deliveries=CARRYING)
def padding_counts(seed: Seed) -> None:
    """``char(4)`` compares as text, its blanks included."""
    _compared(seed, r"CHAR\(\d+\)", terms.TEXT)


@bug(kinds=["r"], deliveries=CARRYING)
def short_floats_are_compared(seed: Seed) -> None:
    """``real`` has another 0.1 than Python."""
    _compared(seed, r"REAL|FLOAT\(24\)", terms._FLOAT)


@bug(kinds=["vc"], deliveries=CARRYING)
def texts_are_ordered(seed: Seed) -> None:
    """As Python orders them, whose order is no collation's: here with capitals last."""
    ordered = replace(
        terms.TEXT, ordered=True, of_change=str.swapcase, of_wire=str.swapcase, of_sent=str.swapcase
    )
    _compared(seed, r"(VARCHAR(\(\d+\))?|TEXT)", ordered)


@bug(kinds=["num"], deliveries=CARRYING)
def numbers_are_compared_as_texts(seed: Seed) -> None:
    """1.0 is another number than 1."""
    as_text = replace(terms._NUMERIC, of_change=str, of_wire=str, of_sent=str)
    _compared(seed, r"NUMERIC.*", as_text)


@bug
def like_ignores_case(seed: Seed) -> None:
    """Rather not: ILIKE does not."""
    from sa_notify.live import conditions
    from sa_notify.live.patterns import ilike, like

    made = {key: (like if one[0] is ilike else one[0], *one[1:]) for key, one in conditions._PATTERNS.items()}
    seed.value("sa_notify.live.conditions:_PATTERNS", made)


# -- which queries are looked at


@bug(deliveries=CARRYING)
def only_the_last_value_is_looked_up(seed: Seed) -> None:
    """A row that leaves a value of an equality filter is not found under it."""
    seed.wrap(
        "sa_notify.live.known:Known.in_terms",
        lambda in_terms: lambda self, *rest, **how: in_terms(self, *rest, **how)[-1:],
    )


@bug(deliveries=["notify"])
def values_that_are_not_known_are_not_looked_up(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.known:Known.in_terms",
        lambda in_terms: (
            lambda self, *rest, **how: tuple(
                value for value in in_terms(self, *rest, **how) if value is not terms.NOT_KNOWN
            )
        ),
    )


@bug
def ends_of_intervals_are_left_out(seed: Seed) -> None:
    seed.wrap(
        "sa_notify.live.intervals:_span",
        lambda span: lambda interval: span(replace(interval, low_inclusive=False, high_inclusive=False)),
    )


@bug
def rows_of_windows_are_not_filed(seed: Seed) -> None:
    """Nobody finds the windows that a row is in."""
    seed.wrap("sa_notify.live.index:_Group.hold", lambda _: lambda self, live, rowkeys: None)


@bug
def rows_that_come_later_are_not_filed(seed: Seed) -> None:
    seed.wrap("sa_notify.live.index:Index.move", lambda _: lambda self, live, left, come: None)


@bug
def who_leaves_empties_the_index(seed: Seed) -> None:
    """A value is forgotten with the first query that asked for it."""

    def all_of_it(discard: Any) -> Any:
        def gone(self: Any, live: Any, points: Any) -> None:
            for value in points.values:
                self._by_value._held.pop(value, None)

        return gone

    seed.wrap("sa_notify.live.index:_ByValue.discard", all_of_it)


# -- which columns count


@bug
def columns_of_where_do_not_count(seed: Seed) -> None:
    """Only those that are selected."""

    def plain(plan_of: Any) -> Any:
        def made(statement: Any, *rest: Any, **options: Any) -> Any:
            plan = plan_of(statement, *rest, **options)
            shown = {str(column.name) for column in statement.selected_columns if hasattr(column, "name")}
            tables = {
                key: replace(one, columns=one.columns and one.columns & shown)
                for key, one in plan.tables.items()
            }
            return replace(plan, tables=tables)

        return made

    seed.wrap("sa_notify.web.queries:plan_of", plain)


@bug
def columns_of_order_place_nothing(seed: Seed) -> None:
    """A row that is sorted elsewhere is patched where it stands."""

    def misplaced(rows_of: Any) -> Any:
        def made(statement: Any, *rest: Any) -> Any:
            rows = rows_of(statement, *rest)
            ordered = {
                str(getattr(column, "name", ""))
                for clause in statement._order_by_clauses
                for column in clause._from_objects and clause.get_children()
            }
            return rows and replace(rows, placing=rows.placing - ordered)

        return made

    seed.wrap("sa_notify.live.plan:rows_of", misplaced)


@bug
def columns_of_where_place_nothing(seed: Seed) -> None:
    """A row that leaves the filter is patched where it stands."""
    seed.wrap(
        "sa_notify.live.plan:rows_of",
        lambda rows_of: (
            lambda statement, *rest: (
                (rows := rows_of(statement, *rest))
                and replace(rows, placing=rows.placing - {str(one.name) for one in _where(statement)})
            )
        ),
    )


def _where(statement: Any) -> list[Any]:
    from sqlalchemy import Column
    from sqlalchemy.sql import visitors

    clause = statement.whereclause
    key = {column for source in statement.get_final_froms() for column in source.primary_key}
    inner = [] if clause is None else visitors.iterate(clause)
    return [one for one in inner if isinstance(one, Column) and one not in key]
