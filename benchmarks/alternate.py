"""Variants in turns: each measured once in every round, in an order that rotates."""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

Measured = TypeVar("Measured")


def alternate(
    names: Sequence[str], rounds: int, turn: Callable[[str], Measured], *, begin: Callable[[int], None]
) -> dict[str, list[Measured]]:
    """What ``turn(name)`` gave for each name, one entry for each round.

    The order rotates by one, so that what drifts (a warmer cache, a busier machine) reaches all alike.

    :param begin: called with the round's number, from 1, before its first turn.
    """
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for number in range(rounds):
        begin(number + 1)
        shift = number % len(names)
        for name in [*names[shift:], *names[:shift]]:
            found[name].append(turn(name))
    return found


def ratios(figures: Sequence[float], base: Sequence[float]) -> list[float]:
    """``figures`` as multiples of ``base``, each of its own round."""
    return [figure / beside for figure, beside in zip(figures, base, strict=True)]


def middle(figures: Sequence[float]) -> float:
    """Their median."""
    return statistics.median(figures)
