"""Alembic's environment. Importing the models is all that sa_notify needs of it."""

import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine, pool

from demo.models import db

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)

target_metadata = db.metadata


def database_url() -> str:
    """``-x url=...``, else DATABASE_URL."""
    given = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("DATABASE_URL")
    if not given:
        raise SystemExit("set DATABASE_URL, or say alembic -x url=postgresql+psycopg2://...")
    return given


def migrate() -> None:
    """Run the migrations in one transaction; upgrades at once wait for each other."""
    with context.begin_transaction():
        context.execute("SELECT pg_advisory_xact_lock(1935764085, 2)")
        context.run_migrations()


if context.is_offline_mode():
    context.configure(
        url=database_url(),
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )
    migrate()
else:
    with create_engine(database_url(), poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        migrate()
