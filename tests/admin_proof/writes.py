"""Transactions that anybody might write, from a seed, as plain SQL."""

import datetime as dt
import json
import uuid
from collections.abc import Callable
from random import Random
from typing import Any

from tests.admin_proof.texts import MARKS, PAYLOADS, PLAIN

Statement = tuple[str, dict[str, Any]]
Kinds = tuple[Callable[[Random], Statement], ...]

BOOKS = 60
AUTHORS = 8
TAGS = 6
COUNTRIES = ("DE", "FR", "<b>", "")
CODES = [str(uuid.UUID(int=number)) for number in range(1, 9)]

_VALUES = "title note pages price weight kind genre done published made opens code mark".split()
_INSERT = (
    f"INSERT INTO book ({', '.join(_VALUES)}, meta, labels, author_id, editor_id)"
    f" VALUES ({', '.join(f'%({name})s' for name in _VALUES)}, %(meta)s::jsonb, %(labels)s::text[],"
    " (SELECT id FROM author WHERE id = %(author)s), (SELECT id FROM author WHERE id = %(editor)s))"
)


def text(chance: Random) -> str:
    """A title: mostly a plain one, with ties."""
    return chance.choice(PAYLOADS if chance.random() < 0.25 else PLAIN)


def book(chance: Random) -> dict[str, Any]:
    """Values of a book; each may be missing where the table allows that."""
    day = dt.date(2020, 1, 1) + dt.timedelta(chance.randrange(300))
    values: dict[str, Any] = {
        "note": text(chance),
        "pages": chance.randrange(300),
        "price": chance.choice(["0", "1.50", "2.5", "999.99"]),
        "weight": chance.choice([0.0, 1.5, 2.5, -3.25]),
        "kind": chance.choice(["NOVEL", "ESSAY", "VERSE"]),
        "done": chance.random() < 0.5,
        "published": day,
        "made": dt.datetime.combine(day, dt.time(chance.randrange(24), 30)),
        "opens": dt.time(chance.randrange(24), 15),
        "code": chance.choice(CODES),
        "mark": chance.choice(MARKS),
        "meta": json.dumps({"a": text(chance), "b": [1, None, {"<c>": True}]}),
        "labels": [text(chance) for _ in range(chance.randrange(3))],
        "author": 1 + chance.randrange(AUTHORS),
        "editor": 1 + chance.randrange(AUTHORS),
    }
    some = {name: None if chance.random() < 0.15 else value for name, value in values.items()}
    return {**some, "title": text(chance), "genre": chance.choice("abc")}


def seed(chance: Random) -> list[Statement]:
    """The first content of all tables."""
    found: list[Statement] = [_author(chance) for _ in range(AUTHORS)]
    found += [("INSERT INTO tag (label) VALUES (%(label)s)", {"label": text(chance)}) for _ in range(TAGS)]
    found += [(_INSERT, book(chance)) for _ in range(BOOKS)]
    found.append(("UPDATE book SET form = 'ebook' WHERE id %% 5 = 0", {}))
    found.append(("INSERT INTO ebook SELECT id, id %% 7 FROM book WHERE form = 'ebook'", {}))
    found += [_tagged(chance) for _ in range(BOOKS)]
    found += [_seat(chance, row, number) for row in ("a,b", "a.b", "a.,b", '"<', "z z") for number in (1, 2)]
    found += [("INSERT INTO rate (factor) VALUES (2)", {})]
    found += [("INSERT INTO silent (note) VALUES (%(note)s)", {"note": text(chance)}) for _ in range(9)]
    return found


def transactions(turn: int, chance: Random) -> list[list[Statement]]:
    """What is written in one round: little, so that nothing but itself can make it show."""
    kinds = ROUNDS[turn % len(ROUNDS)]
    count = 1 if len(set(kinds)) < 10 else chance.choice([2, 5, 12])
    return [[chance.choice(kinds)(chance) for _ in range(chance.choice([1, 1, 2]))] for _ in range(count)]


def letters(chance: Random) -> list[Statement]:
    """A transaction of the second database."""
    return [
        ("INSERT INTO tag (label) VALUES (%(label)s)", {"label": text(chance)}),
        (
            "UPDATE tag SET label = %(label)s WHERE id %% 5 = %(k)s",
            {"label": text(chance), "k": chance.randrange(5)},
        ),
        ("DELETE FROM tag WHERE id %% 9 = %(k)s", {"k": chance.randrange(9)}),
    ]


def _key(chance: Random) -> int:
    return 1 + chance.randrange(BOOKS + 10)


def _author(chance: Random) -> Statement:
    sql = (
        "INSERT INTO author (name, country, born, rating) SELECT %(name)s, %(country)s, %(born)s, %(rating)s"
    )
    born = chance.choice([None, dt.date(2020, 1 + chance.randrange(12), 7)])
    rating = chance.choice([None, 2.5, 4.0])
    return sql, {
        "name": text(chance),
        "country": chance.choice([None, *COUNTRIES]),
        "born": born,
        "rating": rating,
    }


def _tagged(chance: Random) -> Statement:
    sql = (
        "INSERT INTO book_tag SELECT book.id, tag.id FROM book, tag WHERE book.id = %(book)s"
        " AND tag.id = %(tag)s ON CONFLICT DO NOTHING"
    )
    return sql, {"book": _key(chance), "tag": 1 + chance.randrange(TAGS)}


def _seat(chance: Random, row: str, number: int) -> Statement:
    sql = (
        "INSERT INTO seat SELECT %(row)s, %(number)s, %(taken)s, %(note)s,"
        " (SELECT id FROM book WHERE id = %(k)s) ON CONFLICT DO NOTHING"
    )
    values = {
        "row": row,
        "number": number,
        "taken": chance.random() < 0.5,
        "note": text(chance),
        "k": _key(chance),
    }
    return sql, values


def _new(chance: Random) -> Statement:
    return _INSERT, book(chance)


def _changed(chance: Random) -> Statement:
    """A few columns of a few rows: what moves them between filters, pages and places."""
    columns = chance.sample(_VALUES, chance.choice([1, 1, 2, 4]))
    sets = ", ".join(f"{name} = %({name})s" for name in columns)
    where = chance.choice(["id = %(k)s", "id = %(k)s", "id %% 7 = %(k)s %% 7", "id > %(k)s", "genre = 'a'"])
    values = book(chance)
    return f"UPDATE book SET {sets} WHERE {where}", {
        **{name: values[name] for name in columns},
        "k": _key(chance),
    }


def _documents(chance: Random) -> Statement:
    values = book(chance)
    sql = "UPDATE book SET meta = %(meta)s::jsonb, labels = %(labels)s::text[] WHERE id %% 5 = %(k)s %% 5"
    return sql, {"meta": values["meta"], "labels": values["labels"], "k": _key(chance)}


def _related(chance: Random) -> Statement:
    sql = (
        "UPDATE book SET author_id = (SELECT id FROM author WHERE id = %(a)s), editor_id ="
        " (SELECT id FROM author WHERE id = %(e)s) WHERE id %% 4 = %(k)s %% 4"
    )
    return sql, {"a": 1 + chance.randrange(AUTHORS), "e": 1 + chance.randrange(AUTHORS), "k": _key(chance)}


def _author_changed(chance: Random) -> Statement:
    sets = "name = %(name)s, country = %(country)s, rating = %(rating)s"
    sql = f"UPDATE author SET {sets} WHERE id %% 3 = %(k)s %% 3"
    return sql, {**_author(chance)[1], "k": _key(chance)}


def _renamed(chance: Random) -> Statement:
    # a label that stays is no change, but moves the row among the choices of editors, which have no order
    return "UPDATE tag SET label = %(label)s WHERE id = %(k)s AND label <> %(label)s", {
        "label": text(chance),
        "k": chance.randrange(TAGS),
    }


def _untagged(chance: Random) -> Statement:
    return "DELETE FROM book_tag WHERE book_id %% 6 = %(k)s %% 6", {"k": _key(chance)}


def _deleted(chance: Random) -> Statement:
    return chance.choice(
        ["DELETE FROM book WHERE id = %(k)s", "DELETE FROM book WHERE id %% 19 = %(k)s %% 19"]
    ), {"k": _key(chance)}


def _author_gone(chance: Random) -> Statement:
    return "DELETE FROM author WHERE id = %(k)s AND id > 2", {"k": 1 + chance.randrange(AUTHORS)}


def _key_changed(chance: Random) -> Statement:
    free = "NOT EXISTS (SELECT FROM {} WHERE book_id = %(k)s)"
    sql = "UPDATE book SET id = id + 1000 WHERE id = %(k)s AND form = 'book'"
    sql += f" AND {free.format('book_tag')} AND {free.format('seat')}"
    return sql, {"k": _key(chance)}


def _many(chance: Random) -> Statement:
    """More rows than are announced one by one."""
    sql = (
        "INSERT INTO book (title, genre, pages, done) SELECT 'Bulk ' || n %% 7, 'c', n, n %% 2 = 0"
        " FROM generate_series(1, 1100) n"
    )
    return sql, {}


def _few_again(chance: Random) -> Statement:
    return "DELETE FROM book WHERE title LIKE 'Bulk %%' AND id %% 40 <> 0", {}


def _emptied(chance: Random) -> Statement:
    return chance.choice(["TRUNCATE seat", "TRUNCATE book_tag", "TRUNCATE ebook"]), {}


def _seats_changed(chance: Random) -> Statement:
    sql = "UPDATE seat SET note = %(note)s, taken = %(taken)s, number = number + 2 WHERE number = %(k)s %% 4"
    return sql, {"note": text(chance), "taken": chance.random() < 0.5, "k": _key(chance)}


def _seated(chance: Random) -> Statement:
    return _seat(chance, chance.choice(["a,b", '"<', "m"]), chance.randrange(6))


def _ebook(chance: Random) -> Statement:
    sql = "UPDATE ebook SET size = %(k)s WHERE id %% 10 = %(m)s"
    return sql, {"k": _key(chance), "m": chance.choice([0, 5])}


def _rate(chance: Random) -> Statement:
    return "UPDATE rate SET factor = %(k)s", {"k": _key(chance)}


def _silent(chance: Random) -> Statement:
    return "UPDATE silent SET note = %(note)s WHERE id %% 3 = %(k)s %% 3", {
        "note": text(chance),
        "k": _key(chance),
    }


def _nothing(chance: Random) -> Statement:
    return "UPDATE book SET title = title", {}


_BOOKS = (
    *(_changed,) * 6,
    *(_new,) * 3,
    *(_deleted,) * 3,
    _related,
    _related,
    _documents,
    _key_changed,
    _nothing,
)
_AUTHORS = (_author, _author_changed, _author_changed, _author_gone)
_TAGS = (_renamed, _tagged, _untagged)
_SEATS = (_seated, _seats_changed)

#: What a round writes: a list that forgets one of the tables it depends on is mended by writes to any other.
ROUNDS: tuple[Kinds, ...] = (
    _AUTHORS,
    _BOOKS,
    _TAGS,
    (*_BOOKS, *_AUTHORS, *_TAGS, *_SEATS, _many, _few_again, _emptied, _ebook, _rate, _silent),
    _SEATS,
    (_rate,),
    (_many,),
    (_few_again, _emptied, _ebook),
    (_silent,),
)
