"""Variants in turns: each measured once in every round, in an order that rotates."""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

Measured = TypeVar("Measured")


def alternate(
    names: Sequence[str],
    tasks: Sequence[str],
    rounds: int,
    measure: Callable[[str, str], Measured],
    *,
    begin: Callable[[int], None],
) -> dict[str, list[dict[str, Measured]]]:
    """What ``measure(name, task)`` gave: for each name a list of rounds, each by task.

    A task is measured with all names one after the other, so that what drifts (a busier machine) is
    much the same for all; the order rotates, so that none always follows the same one.

    :param begin: called with the round's number, from 1, before its first measurement.
    """
    found: dict[str, list[dict[str, Measured]]] = {name: [] for name in names}
    for number in range(rounds):
        begin(number + 1)
        for name in names:
            found[name].append({})
        for place, task in enumerate(tasks):
            shift = (number + place) % len(names)
            for name in [*names[shift:], *names[:shift]]:
                found[name][number][task] = measure(name, task)
    return found


def turns(names: Sequence[str], rounds: int, measure: Callable[[str], Measured]) -> dict[str, list[Measured]]:
    """:func:`alternate` with one task: for each name a list of rounds."""
    found = alternate(names, ["all"], rounds, lambda name, _: measure(name), begin=lambda _: None)
    return {name: [each["all"] for each in rounds] for name, rounds in found.items()}


def ratios(figures: Sequence[float], base: Sequence[float]) -> list[float]:
    """``figures`` as multiples of ``base``, each of its own round."""
    return [figure / beside for figure, beside in zip(figures, base, strict=True)]


def middle(figures: Sequence[float]) -> float:
    """Their median."""
    return statistics.median(figures)


def column(rounds: Sequence[object], name: str) -> list[float]:
    """One of the figures of each round."""
    return [getattr(each, name) for each in rounds]
