"""What PostgreSQL knows of the names and objects that a statement leads to: the catalog's answers.

A question is asked on the connection that reads, so that names are resolved under its ``search_path``
and rights are its role's.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, text

from sa_notify.capture.template import blocks, catalog_sql, fill

Kind = Literal[
    "named", "relation", "uses", "function", "called", "overload", "attribute", "operator", "casts", "type"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One question; ``definitions.sql`` says what is answered to each kind.

    :param name: a name, or an object's oid.
    :param schema: the name's schema; for an oid, the catalog that it is of.
    """

    kind: Kind
    name: str = ""
    schema: str | None = None


class Definitions:
    """Asks the catalog, and notices when it would answer otherwise."""

    def __init__(self) -> None:
        self._digests: dict[Question, str | None] = {}
        self._moved = False

    def ask(self, connection: Connection, questions: Iterable[Question]) -> Mapping[Question, Any]:
        """Answers in terms of JSON; ``None`` where there is nothing of the name."""
        found = dict(_ask(connection, questions, whole=True))
        seen = dict(self._digests)
        self._moved |= any(seen.get(question, digest) != digest for question, (digest, _) in found.items())
        self._digests.update((question, digest) for question, (digest, _) in found.items())
        return {question: answer for question, (_, answer) in found.items()}

    def changed(self, connection: Connection) -> bool:
        """Whether anything asked so far has another answer now."""
        seen = dict(self._digests)
        if self._moved or not seen:
            return self._moved
        now = {question: digest for question, (digest, _) in _ask(connection, seen, whole=False).items()}
        return now != seen


def locked_relations(connection: Connection) -> frozenset[int]:
    """Oids of whatever relations the transaction has read so far, through views and functions too.

    PostgreSQL locks a relation before it reads it, and keeps the lock until the transaction ends. Its
    own catalog is left out.
    """
    return frozenset(int(oid) for oid in connection.execute(text(catalog_sql("locked"))).scalars())


def _ask(
    connection: Connection, questions: Iterable[Question], *, whole: bool
) -> dict[Question, tuple[str | None, Any]]:
    asked: dict[str, list[dict[str, str | None]]] = {}
    for item in set(questions):
        asked.setdefault(item.kind, []).append({"schema": item.schema, "name": item.name})
    # only for kinds that are asked about: planning all of it takes 10 ms
    sql = " UNION ALL ".join(_asking(kind) for kind in sorted(asked))
    values = {kind: json.dumps(items) for kind, items in asked.items()}
    rows = connection.execute(text(sql), {"whole": whole, **values}).all()
    return {
        Question(row.kind, row.name, row.schema): (row.digest, json.loads(row.answer) if row.answer else None)
        for row in rows
    }


def _asking(kind: str) -> str:
    parts = blocks("definitions")
    return fill(parts["ask"], kind=kind, answer=parts[kind])
