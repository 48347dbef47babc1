"""A server for what runs outside pytest."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url

from demo.embedded import EmbeddedPostgres
from demo.rooms import temporary_room


@contextmanager
def server() -> Iterator[str]:
    """SA_NOTIFY_TEST_DATABASE_URL, else an embedded PostgreSQL 18."""
    if given := os.environ.get("SA_NOTIFY_TEST_DATABASE_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
        return
    room = temporary_room("sa-notify-oracle-")
    try:
        with EmbeddedPostgres(room) as embedded:
            yield embedded.url
    finally:
        shutil.rmtree(room, ignore_errors=True)
