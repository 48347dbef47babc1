"""The role set that README.md documents, by README's own script: an owner, a writer, a dispatcher.

The whole room runs under it, so that nothing of ours needs a superuser; tests that need one for themselves
are marked ``superuser``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from sqlalchemy import Connection, make_url

from tests.readme import readme_blocks

SCRIPT = readme_blocks("permissions")

#: Statements that the writer runs; others are the owner's.
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|WITH|TRUNCATE)\b", re.IGNORECASE)
_SCHEMAS = """
SELECT quote_ident(nspname) FROM pg_namespace n
WHERE nspname !~ '^(pg_|information_schema$|sa_notify$)' AND has_schema_privilege(oid, 'CREATE')
  AND NOT EXISTS (SELECT FROM pg_default_acl a WHERE a.defaclnamespace = n.oid)
"""
_OUTBOX = "SELECT pg_catalog.to_regclass('sa_notify.outbox_turn') IS NOT NULL"
_GRANTED = "SELECT pg_catalog.has_sequence_privilege(%s, 'sa_notify.outbox_turn', 'UPDATE')"


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of a test's roles, and the URL under which its owner connects."""

    database: str
    owner_url: str

    @property
    def owner(self) -> str:
        return f"owner_{self.database}"

    @property
    def writer(self) -> str:
        return f"writer_{self.database}"

    @property
    def dispatcher(self) -> str:
        return f"dispatcher_{self.database}"

    def url(self, role: str) -> str:
        """Where the role logs in."""
        return make_url(self.owner_url).set(username=role).render_as_string(hide_password=False)

    def script(self, block: str, schema: str = "public") -> str:
        """A block of README with this test's names for those of the example."""
        names = {"todo": self.database, "public": schema, "todo_owner": self.owner}
        names |= {"todo_writer": self.writer, "todo_dispatcher": self.dispatcher}
        return re.sub(r"\b(todo\w*|public)\b", lambda name: names[name[0]], SCRIPT[block])

    def grant(self, connection: Connection) -> None:
        """As the owner, let the others use the schemas that are new."""
        for schema in connection.exec_driver_sql(_SCHEMAS).scalars():
            connection.exec_driver_sql(self.script("schema", schema).replace("%", "%%"))

    def grant_outbox(self, cursor: Any) -> None:
        """Let the dispatcher follow the outbox, if there is one; the cursor is a superuser's."""
        cursor.execute(_OUTBOX)
        if not cursor.fetchone()[0]:
            return
        cursor.execute(_GRANTED, (self.dispatcher,))
        if not cursor.fetchone()[0]:
            cursor.execute(f"SET ROLE {self.owner}; {self.script('outbox')}; RESET ROLE")

    def become(self, connection: Connection, statement: str) -> None:
        """Run what follows as the role whose statement this is."""
        role = self.writer if _WRITES.match(statement) else "NONE"
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")


@contextmanager
def roles(database_url: str) -> Iterator[Roles]:
    """Make the roles for one database, which the owner then owns."""
    url = make_url(database_url)
    database = str(url.database)
    made = Roles(database, url.set(username=f"owner_{database}").render_as_string(hide_password=False))
    everybody = (made.owner, made.writer, made.dispatcher)
    admin = psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    admin.autocommit = True
    cursor = admin.cursor()
    cursor.execute(made.script("roles"))
    for role in everybody:
        cursor.execute(f"ALTER ROLE {role} PASSWORD %s", (url.password,))
    # the room's own means: one connection plays both
    cursor.execute(f"GRANT {made.writer} TO {made.owner}")
    try:
        yield made
    finally:
        cursor.execute(f"REASSIGN OWNED BY {made.owner} TO CURRENT_USER")
        for role in everybody:
            # all at once, PostgreSQL 18 can't find a default privilege that it has dropped already
            cursor.execute(f"DROP OWNED BY {role}")
        cursor.execute(f"DROP ROLE {', '.join(everybody)}")
        admin.close()
