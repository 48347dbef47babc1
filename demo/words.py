"""Made-up titles."""

import random

_VERBS = (
    "Call",
    "Mend",
    "Paint",
    "Order",
    "Review",
    "Measure",
    "Pack",
    "Return",
    "Draw",
    "Test",
    "Book",
    "Tune",
)
_THINGS = (
    "the bicycle",
    "the report",
    "a birthday cake",
    "the piano",
    "train tickets",
    "the garden fence",
    "the compiler",
    "new curtains",
    "the telescope",
    "last year's bills",
    "the sourdough",
    "a moving van",
)


def title(dice: random.Random) -> str:
    """Something one might have to do."""
    return f"{dice.choice(_VERBS)} {dice.choice(_THINGS)}"
