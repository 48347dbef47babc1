"""Whether a role can follow the outbox, before it tries."""

from typing import Final

from sa_notify.capture.outbox import OUTBOX_QUERY, OUTBOX_TEMPLATE, Outbox
from sa_notify.errors import SetupError
from sa_notify.source.outbox.session import Session

#: What a reader must be allowed, in the order in which it is granted.
RIGHTS: Final = """
GRANT USAGE ON SCHEMA sa_notify TO {role};
GRANT SELECT, TRUNCATE ON sa_notify.outbox_0, sa_notify.outbox_1, sa_notify.outbox_2, sa_notify.outbox_3
  TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE
  ON sa_notify.outbox_reader, sa_notify.outbox_term, sa_notify.outbox_gate TO {role};
GRANT SELECT, UPDATE ON SEQUENCE sa_notify.outbox_turn TO {role};
"""

_MIGRATE: Final = "run `alembic revision --autogenerate` and `alembic upgrade head`"
_CHECK = """
SELECT pg_catalog.quote_ident(current_user), s.schema AND (
  SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(name, right_))
  FROM (VALUES
    ('sa_notify.outbox_0'), ('sa_notify.outbox_1'), ('sa_notify.outbox_2'), ('sa_notify.outbox_3')
  ) slot(name), (VALUES ('SELECT'), ('TRUNCATE')) needed(right_)
) AND (
  SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(name, right_))
  FROM (VALUES ('sa_notify.outbox_reader'), ('sa_notify.outbox_term'), ('sa_notify.outbox_gate')) own(name),
    (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) needed(right_)
) AND pg_catalog.has_sequence_privilege('sa_notify.outbox_turn', 'SELECT')
  AND pg_catalog.has_sequence_privilege('sa_notify.outbox_turn', 'UPDATE')
FROM (SELECT pg_catalog.has_schema_privilege('sa_notify', 'USAGE') AS schema) s
"""


def check_outbox(session: Session) -> None:
    """See that the outbox is there, in this release's version, and may be read.

    :raises SetupError: with the commands to run.
    """
    found = session.rows(OUTBOX_QUERY)
    if not found:
        raise SetupError(f"the database has no outbox (schema sa_notify): {_MIGRATE}")
    outbox = Outbox.of(*found[0])
    if outbox.template is None:
        raise SetupError("the schema sa_notify is not of this package: rename it, then " + _MIGRATE)
    if outbox.template > OUTBOX_TEMPLATE:
        raise SetupError("the outbox is of a newer sa_notify: update the package in this process")
    if not outbox.complete:
        missing = ", ".join(sorted(outbox.missing)) or f"version {OUTBOX_TEMPLATE}"
        raise SetupError(f"the outbox is not complete (missing: {missing}): {_MIGRATE}")
    _check_rights(session)


def _check_rights(session: Session) -> None:
    usage = (
        "SELECT pg_catalog.has_schema_privilege('sa_notify', 'USAGE'), pg_catalog.quote_ident(current_user)"
    )
    ((may, role),) = session.rows(usage)
    # names in a schema that may not be used can't even be asked about
    if not (may and session.rows(_CHECK)[0][1]):
        statements = " ".join(RIGHTS.format(role=role).split())
        raise SetupError(f"the role {role} may not read the outbox: let its owner run {statements}")
