"""The role set that README.md documents: one that migrates, one that writes, one that reads.

The whole room runs under it, so that nothing of ours needs a superuser; tests that need one for themselves
are marked ``superuser``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from sqlalchemy import Connection, make_url

#: Statements that the writer runs; others are the owner's.
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|WITH|TRUNCATE)\b", re.IGNORECASE)

#: All that a writer has: its own INSERT, UPDATE, DELETE and TRUNCATE.
_GRANTS = """
DO $do$
DECLARE
  schema regnamespace;
BEGIN
  FOR schema IN
    SELECT oid FROM pg_namespace
    WHERE nspname !~ '^(pg_|information_schema$|sa_notify$)' AND has_schema_privilege(oid, 'CREATE')
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %%s TO %1$s', schema);
    EXECUTE format(
      'GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA %%s TO %1$s', schema);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %%s TO %1$s', schema);
  END LOOP;
END $do$
"""


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of a test's roles, and the URL under which its owner connects."""

    owner: str
    writer: str
    owner_url: str

    def grant(self, connection: Connection) -> None:
        """Let the writer write what stands now."""
        connection.exec_driver_sql(_GRANTS.replace("%1$s", self.writer))

    def become(self, connection: Connection, statement: str) -> None:
        """Run what follows as the role whose statement this is."""
        role = self.writer if _WRITES.match(statement) else "NONE"
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")


@contextmanager
def roles(database_url: str) -> Iterator[Roles]:
    """Make the roles for one database, which the owner then owns."""
    url = make_url(database_url)
    owner, writer = (f"{kind}_{url.database}" for kind in ("owner", "writer"))
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    secret = f"PASSWORD '{url.password}'" if url.password else ""
    admin = psycopg2.connect(plain)
    admin.autocommit = True
    cursor = admin.cursor()
    cursor.execute(f"CREATE ROLE {owner} LOGIN {secret}; CREATE ROLE {writer}; GRANT {writer} TO {owner}")
    cursor.execute(f"ALTER DATABASE {url.database} OWNER TO {owner}")
    cursor.execute(f"ALTER SCHEMA public OWNER TO {owner}")
    try:
        yield Roles(owner, writer, url.set(username=owner).render_as_string(hide_password=False))
    finally:
        cursor.execute(f"REASSIGN OWNED BY {owner}, {writer} TO CURRENT_USER")
        cursor.execute(f"DROP OWNED BY {owner}, {writer}; DROP ROLE {owner}, {writer}")
        admin.close()
