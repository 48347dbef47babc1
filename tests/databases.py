"""Fresh databases on the tests' PostgreSQL."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import make_url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database; whatever is still connected at the end is thrown out.

    :param server_url: of the maintenance database.
    """
    url = make_url(server_url)
    name = f"t_{uuid.uuid4().hex[:12]}"
    janitor = DatabaseJanitor(
        user=url.username or "postgres",
        password=str(url.password) if url.password else None,
        host=url.host or str(url.query.get("host", "localhost")),
        port=url.port or str(url.query.get("port", 5432)),
        dbname=name,
        maintenance_dbname=url.database or "postgres",
        connection_timeout=5,
    )
    with janitor:
        yield url.set(database=name).render_as_string(hide_password=False)
