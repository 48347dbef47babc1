"""Predicates from SQL expressions; whatever is not understood is unknown."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Column, FromClause, types
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    AsBoolean,
    BinaryExpression,
    BooleanClauseList,
    ExpressionClauseList,
    False_,
    Grouping,
    Null,
    True_,
    UnaryExpression,
)

from sa_notify.capture.names import stored
from sa_notify.live import leaves, patterns, predicate
from sa_notify.live.leaves import Operand
from sa_notify.live.logic import FALSE, NULL, TRUE
from sa_notify.live.predicate import Predicate
from sa_notify.live.resolve import resolved
from sa_notify.live.sides import Sides, columns_of
from sa_notify.live.terms import NOT_KNOWN, TEXT, terms_of

_COMPARISONS: Final = {
    operators.eq: operator.eq,
    operators.ne: operator.ne,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
}
_MIRRORED: Final = {
    operator.eq: operator.eq,
    operator.ne: operator.ne,
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}
_UNORDERED: Final = {operator.eq, operator.ne}
#: operator: (matcher, is it negated, what stands before and after the value)
_PATTERNS: Final = {
    operators.like_op: (patterns.like, False, "", ""),
    operators.not_like_op: (patterns.like, True, "", ""),
    operators.ilike_op: (patterns.ilike, False, "", ""),
    operators.not_ilike_op: (patterns.ilike, True, "", ""),
    operators.contains_op: (patterns.like, False, "%", "%"),
    operators.not_contains_op: (patterns.like, True, "%", "%"),
    operators.startswith_op: (patterns.like, False, "", "%"),
    operators.not_startswith_op: (patterns.like, True, "", "%"),
    operators.endswith_op: (patterns.like, False, "%", ""),
    operators.not_endswith_op: (patterns.like, True, "%", ""),
}
_CONDITIONS: Final = (BooleanClauseList, BinaryExpression, UnaryExpression)
_NULLABLE: Final = (types.String, types.Numeric, types.Float, types.LargeBinary)


class Conditions:
    """Makes predicates over the rows of one place in a statement's FROM.

    :param source: a table or an alias of one.
    """

    def __init__(self, source: FromClause) -> None:
        self._source = source
        self._sides = Sides(source)

    def all_of(self, clauses: Sequence[Any]) -> Predicate:
        """That all of the expressions are true."""
        return predicate.all_of([self.of(clause) for clause in clauses]) if clauses else predicate.ALWAYS

    def of(self, clause: Any) -> Predicate:
        """The condition; its columns of other tables are unknown."""
        return self._known(clause) or predicate.unknown(columns_of([clause], self._source))

    def _known(self, clause: Any) -> Predicate | None:
        if isinstance(clause, Grouping):
            return self.of(clause.element)
        if isinstance(clause, (True_, False_, Null)):
            return predicate.constant(_CONSTANTS[clause.__visit_name__])
        if isinstance(clause, BooleanClauseList):
            return self._list(clause)
        if isinstance(clause, AsBoolean):
            return self._boolean(clause)
        if isinstance(clause, UnaryExpression):
            known = clause.operator is operators.inv and clause.modifier is None
            inner = clause.element
            known = known and not isinstance(inner, BooleanClauseList)
            return predicate.negated(self.of(inner)) if known else None
        if isinstance(clause, BinaryExpression):
            return self._binary(clause)
        return self._flag(clause)

    def _list(self, clause: Any) -> Predicate | None:
        parts = [self.of(part) for part in clause.clauses]
        if not parts or any(_is_loose(part, clause.operator) for part in clause.clauses):
            return None
        if clause.operator is operators.and_:
            return predicate.all_of(parts)
        return predicate.any_of(parts) if clause.operator is operators.or_ else None

    def _boolean(self, clause: Any) -> Predicate | None:
        if clause.operator is operators.is_true:
            return self.of(clause.element)
        return predicate.negated(self.of(clause.element)) if clause.operator is operators.is_false else None

    def _flag(self, clause: Any) -> Predicate | None:
        operand = self._sides.operand(clause)
        return leaves.truth(operand) if operand is not None and operand.terms.name == "bool" else None

    # -- two sides

    def _binary(self, clause: Any) -> Predicate | None:
        if getattr(clause, "negate", None) is not None and clause.operator in _PATTERNS:
            return self._pattern(clause)
        kind = clause.operator
        if kind in _COMPARISONS:
            return self._comparison(clause.left, _COMPARISONS[kind], clause.right)
        if kind in (operators.is_, operators.is_not):
            return self._is(clause.left, clause.right, negate=kind is operators.is_not)
        if kind in (operators.is_distinct_from, operators.is_not_distinct_from):
            return self._distinct(clause, negate=kind is operators.is_not_distinct_from)
        if kind in (operators.in_op, operators.not_in_op):
            return self._in(clause, negate=kind is operators.not_in_op)
        if kind in (operators.between_op, operators.not_between_op):
            return self._between(clause, negate=kind is operators.not_between_op)
        return self._pattern(clause) if kind in _PATTERNS else None

    def _comparison(self, left: Any, compare: Any, right: Any) -> Predicate | None:
        one, other = self._sides.operand(left), self._sides.operand(right)
        if one is None and other is None:
            return None
        if one is not None and other is not None:
            same = one.terms.name == other.terms.name and _comparable(one, compare)
            return leaves.pair(one, compare, other) if same else None
        if one is None:
            return self._comparison(right, _MIRRORED[compare], left)
        value = self._sides.value(one, right)
        return leaves.comparison(one, compare, value) if _is_known(value, one, compare) else None

    def _is(self, left: Any, right: Any, *, negate: bool) -> Predicate | None:
        if isinstance(right, Null):
            return self._is_null(left, negate=negate)
        if not isinstance(right, (True_, False_)) or not _stands_alone(left):
            return None
        test = predicate.is_true if isinstance(right, True_) else predicate.is_false
        found = test(self.of(left))
        return predicate.negated(found) if negate else found

    def _is_null(self, element: Any, *, negate: bool) -> Predicate | None:
        inner = element.element if isinstance(element, Grouping) else element
        column = self._sides.column(inner)
        if column is not None:
            # JSON's null is not NULL, and a composite value may be made of NULLs
            sure = terms_of(column.type) is not None or isinstance(resolved(column.type), _NULLABLE)
            return leaves.nullness(stored(column.name), negate=negate) if sure else None
        if not isinstance(element, Grouping) or not isinstance(inner, _CONDITIONS):
            return None
        found = predicate.is_null(self.of(inner)) if isinstance(inner.type, types.Boolean) else None
        return predicate.negated(found) if found is not None and negate else found

    def _distinct(self, clause: Any, *, negate: bool) -> Predicate | None:
        operand = self._sides.operand(clause.left)
        if operand is None:
            return self._is_null(clause.left, negate=not negate) if isinstance(clause.right, Null) else None
        value = self._sides.value(operand, clause.right)
        return None if value is NOT_KNOWN else leaves.distinction(operand, value, negate=negate)

    def _in(self, clause: Any, *, negate: bool) -> Predicate | None:
        operand = self._sides.operand(clause.left)
        values = self._sides.values(operand, clause.right) if operand is not None else None
        if operand is None or values is None or NOT_KNOWN in values:
            return None
        return leaves.membership(operand, values, negate=negate)

    def _between(self, clause: Any, *, negate: bool) -> Predicate | None:
        if (clause.modifiers or {}).get("symmetric") or not isinstance(clause.right, ExpressionClauseList):
            return None
        low, high = clause.right.clauses
        parts = (
            self._comparison(clause.left, operator.ge, low),
            self._comparison(clause.left, operator.le, high),
        )
        if parts[0] is None or parts[1] is None:
            return None
        found = predicate.all_of([parts[0], parts[1]])
        return predicate.negated(found) if negate else found

    def _pattern(self, clause: Any) -> Predicate | None:
        make, negate, before, after = _PATTERNS[clause.operator]
        operand = self._sides.operand(clause.left)
        if operand is None or operand.terms is not TEXT:
            return None
        value = self._sides.value(operand, clause.right)
        if type(value) is not str:
            return leaves.comparison(operand, operator.eq, None) if value is None else None
        escape = (clause.modifiers or {}).get("escape")
        matcher = make(before + value + after, "\\" if escape is None else escape)
        return None if matcher is None else leaves.pattern(operand, matcher, negate=negate)


_CONSTANTS: Final = {"true": TRUE, "false": FALSE, "null": NULL}


# SQLAlchemy does not always write parentheses where its tree has another: (NOT a) IS true is written
# NOT a IS true, which PostgreSQL reads as NOT (a IS true). What is in doubt is not understood.


def _stands_alone(element: Any) -> bool:
    return isinstance(element, (Grouping, Column, True_, False_, Null))


def _is_loose(part: Any, within: Any) -> bool:
    """Whether it may be read as part of the list around it."""
    return isinstance(part, BooleanClauseList) and (part.operator, within) != (operators.and_, operators.or_)


def _comparable(operand: Operand, compare: Callable[[Any, Any], bool]) -> bool:
    return operand.terms.ordered or compare in _UNORDERED


def _is_known(value: Any, operand: Operand, compare: Callable[[Any, Any], bool]) -> bool:
    return value is not NOT_KNOWN and (value is None or _comparable(operand, compare))
