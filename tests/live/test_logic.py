"""Three-valued logic: the tables are PostgreSQL's own."""

from itertools import product
from typing import Any

import pytest
from sqlalchemy import Engine, text

from sa_notify.live import logic

VALUES = {logic.TRUE: "true", logic.FALSE: "false", logic.NULL: "NULL::boolean"}
BACK = {True: logic.TRUE, False: logic.FALSE, None: logic.NULL}
PAIRS = {"AND": logic.AND, "OR": logic.OR}
SINGLES = {
    "NOT {}": logic.NOT,
    "{} IS NULL": logic.IS_NULL,
    "{} IS TRUE": logic.IS_TRUE,
    "{} IS FALSE": logic.IS_FALSE,
}


def asked(engine: Engine, expressions: list[str]) -> list[int]:
    with engine.connect() as connection:
        (row,) = connection.execute(text(f"SELECT {', '.join(expressions)}"))
    return [BACK[value] for value in row]


@pytest.mark.parametrize("word", PAIRS)
def test_of_two(engine: Engine, word: str) -> None:
    """Each of nine."""
    pairs = list(product(VALUES, VALUES))
    said = asked(engine, [f"{VALUES[one]} {word} {VALUES[other]}" for one, other in pairs])

    assert said == [PAIRS[word][one << 3 | other] for one, other in pairs]


@pytest.mark.parametrize("words", SINGLES)
def test_of_one(engine: Engine, words: str) -> None:
    """Each of three."""
    assert asked(engine, [f"({words.format(value)})" for value in VALUES.values()]) == [
        SINGLES[words][value] for value in VALUES
    ]


@pytest.mark.parametrize("table", [*PAIRS.values()])
def test_sets_are_unions(table: Any) -> None:
    """Of several outcomes, all that their members make and nothing else."""
    for one, other in product(range(8), range(8)):
        made = {table[a << 3 | b] for a in VALUES for b in VALUES if a & one and b & other}
        assert table[one << 3 | other] == sum(made)


@pytest.mark.parametrize("table", [*SINGLES.values()])
def test_sets_of_one_are_unions(table: Any) -> None:
    """The same of one."""
    for one in range(8):
        assert table[one] == sum({table[a] for a in VALUES if a & one})
