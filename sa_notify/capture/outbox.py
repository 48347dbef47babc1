"""The outbox: a schema of its own, through which changes of all tables with that delivery leave."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, text

from sa_notify.capture.ddl import Generated
from sa_notify.capture.template import blocks, catalog_sql, fill
from sa_notify.errors import ConfigurationError

SCHEMA = "sa_notify"
#: The newest template; older ones stay for the migrations that name them.
OUTBOX_TEMPLATE = 1
OUTBOX_TEMPLATES = (1,)

#: The statement that tells the state of the outbox, for drivers: :meth:`Outbox.of` reads its row.
OUTBOX_QUERY = catalog_sql("outbox")

_RELATION = re.compile(
    r"^CREATE (?:UNLOGGED )?(?:TABLE|SEQUENCE) (?:IF NOT EXISTS )?sa_notify\.(\w+)", re.MULTILINE
)
_VERSION = re.compile(r"sa_notify:(\d+)")


@dataclass(frozen=True, slots=True)
class Outbox:
    """What stands under the outbox's name.

    :param template: version that the schema says it is; ``None`` when it says nothing: not ours.
    :param relations: tables and sequences that it has.
    """

    template: int | None
    relations: frozenset[str]

    @classmethod
    def of(cls, comment: str | None, relations: Iterable[str]) -> "Outbox":
        """From the row that ``OUTBOX_QUERY`` gives; where it gives none there is no outbox."""
        version = _VERSION.match(comment or "")
        return cls(int(version[1]) if version else None, frozenset(relations))

    @property
    def missing(self) -> frozenset[str]:
        """What a template that this release knows makes and is not there."""
        if self.template not in OUTBOX_TEMPLATES:
            return frozenset()
        return outbox_relations(self.template) - self.relations

    @property
    def complete(self) -> bool:
        """Whether triggers and readers of this release can use it."""
        return self.template == OUTBOX_TEMPLATE and not self.missing


@cache
def outbox_relations(template: int = OUTBOX_TEMPLATE) -> frozenset[str]:
    """Names of the tables and sequences that a template makes."""
    pieces = blocks(_known(template) + "/create")
    return frozenset(name for piece in pieces.values() for name in _RELATION.findall(piece))


def outbox_state(connection: Connection) -> Outbox | None:
    """What stands in the database; ``None`` when nothing does."""
    row = connection.execute(text(OUTBOX_QUERY)).one_or_none()
    return None if row is None else Outbox.of(*row)


def create_outbox(template: int = OUTBOX_TEMPLATE) -> Iterator[Generated]:
    """Make the schema and what is in it, as far as it is missing; two that do so at once both succeed.

    :raises ConfigurationError: the template is of a newer release.
    """
    pieces = blocks(f"{_known(template)}/create")
    return (Generated(sql) for sql in (blocks("install")["lock"], *pieces.values()))


def drop_outbox(template: int = OUTBOX_TEMPLATE) -> Iterator[Generated]:
    """Drop what the template made, as far as it is there, unless a table still uses it.

    :raises ConfigurationError: the template is of a newer release.
    """
    statements = "\n".join(f"{sql};" for sql in blocks(f"{_known(template)}/drop").values())
    yield Generated(fill(blocks("install")["drop_outbox"], statements=statements))


def _known(template: int) -> str:
    if template not in OUTBOX_TEMPLATES:
        raise ConfigurationError(
            f"template={template!r} is of a newer sa_notify: update it (this one has {OUTBOX_TEMPLATES})"
        )
    return f"outbox/v{template}"
