"""Three-valued logic over what is not known: sets of the outcomes that are possible."""

from itertools import product

TRUE, FALSE, NULL = 1, 2, 4
#: Any of them.
UNKNOWN = TRUE | FALSE | NULL

_SINGLE = (TRUE, FALSE, NULL)
_NEGATED = {TRUE: FALSE, FALSE: TRUE, NULL: NULL}


def _and(one: int, other: int) -> int:
    if FALSE in (one, other):
        return FALSE
    return NULL if NULL in (one, other) else TRUE


def _or(one: int, other: int) -> int:
    return _NEGATED[_and(_NEGATED[one], _NEGATED[other])]


def _members(outcomes: int) -> tuple[int, ...]:
    return tuple(outcome for outcome in _SINGLE if outcomes & outcome)


def _union(outcomes: set[int]) -> int:
    return sum(outcomes)


_SETS = range(UNKNOWN + 1)

#: ``AND[one << 3 | other]``: every outcome that two sets of outcomes can make.
AND: tuple[int, ...] = tuple(
    _union({_and(*pair) for pair in product(_members(one), _members(other))})
    for one, other in product(_SETS, _SETS)
)
OR: tuple[int, ...] = tuple(
    _union({_or(*pair) for pair in product(_members(one), _members(other))})
    for one, other in product(_SETS, _SETS)
)
#: ``NOT[outcomes]``
NOT: tuple[int, ...] = tuple(_union({_NEGATED[one] for one in _members(outcomes)}) for outcomes in _SETS)
#: ``IS_NULL[outcomes]``: of a boolean expression.
IS_NULL: tuple[int, ...] = tuple(
    _union({TRUE if one == NULL else FALSE for one in _members(outcomes)}) for outcomes in _SETS
)
#: ``IS_TRUE[outcomes]``, ``IS_FALSE[outcomes]``: never NULL.
IS_TRUE: tuple[int, ...] = tuple(
    _union({TRUE if one == TRUE else FALSE for one in _members(outcomes)}) for outcomes in _SETS
)
IS_FALSE: tuple[int, ...] = tuple(
    _union({TRUE if one == FALSE else FALSE for one in _members(outcomes)}) for outcomes in _SETS
)
