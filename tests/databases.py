"""Databases that last as long as those who use them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import make_url


@contextmanager
def fresh_database(pg_server: str) -> Iterator[str]:
    """The URL of an empty database; whatever is still connected is thrown out at the end."""
    url = make_url(pg_server)
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
