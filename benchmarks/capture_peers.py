"""The triggers of other packages, installed by their own released code: ``pip install 'sa-notify[bench]'``.

psycopg2-pgevents asks for pytest 5 at run time; ``make bench-capture`` installs it without what it asks for.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterable
from dataclasses import make_dataclass
from typing import Any

from sqlalchemy import Engine, MetaData, text
from sqlalchemy.orm import configure_mappers, declarative_base

from benchmarks.capture_table import items
from benchmarks.capture_variants import Variant

PGPUBSUB, AUDIT, PGEVENTS = "django-pgpubsub", "postgresql-audit", "psycopg2-pgevents"
NAMES = (PGPUBSUB, AUDIT, PGEVENTS)


def _pgpubsub(engine: Engine) -> Iterable[str]:
    """A save channel and a delete channel of one Django model, as its README does; old and new rows go."""
    model = _django_model(engine)
    import pgpubsub
    import pgtrigger

    bases, namespace = (pgpubsub.TriggerChannel,), {"model": model}
    channels: list[Any] = [
        make_dataclass(name, (), bases=bases, namespace=namespace) for name in ("Saved", "Deleted")
    ]
    saved, deleted = channels
    pgpubsub.post_save_listener(saved)(print)
    pgpubsub.post_delete_listener(deleted)(print)
    pgtrigger.install()
    from django.db import connections

    connections.close_all()
    return saved.listen_safe_name(), deleted.listen_safe_name()


def _django_model(engine: Engine) -> Any:
    import django
    from django.conf import settings

    url = engine.url
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "HOST": url.host or "",
        "PORT": url.port or "",
        "USER": url.username or "",
        "PASSWORD": url.password or "",
    }
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["pgtrigger"], USE_TZ=True)
    django.setup()
    from django.db import models

    meta = type("Meta", (), {"app_label": "bench", "db_table": "items", "managed": False})
    fields = {
        "owner_id": models.IntegerField(),
        "title": models.TextField(),
        "body": models.TextField(),
        "status": models.TextField(),
        "priority": models.IntegerField(),
        "due": models.DateField(null=True),
        "done": models.BooleanField(),
        "estimate": models.DecimalField(max_digits=8, decimal_places=2, null=True),
        "updated_at": models.DateTimeField(),
    }
    return type("Item", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


def _audit(engine: Engine) -> Iterable[str]:
    """Its statement-level triggers, the default: each change becomes a row of ``activity``, no NOTIFY."""
    from postgresql_audit import VersioningManager

    base = declarative_base()
    manager = VersioningManager()
    manager.init(base)
    configure_mappers()
    base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(manager.build_audit_table_query(items(MetaData())))
    manager.remove_listeners()
    return ()


def _pgevents(engine: Engine) -> Iterable[str]:
    """Its row trigger, which sends the id of the row and no more."""
    from psycopg2_pgevents import trigger

    connection = engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        if _offers(engine, "uuid-ossp"):
            trigger.install_trigger_function(driver)
        else:
            _without_extension(driver, trigger.INSTALL_TRIGGER_FUNCTION_STATEMENT)
        trigger.install_trigger(driver, "items")
    finally:
        connection.close()
    return ("psycopg2_pgevents_channel",)


def _offers(engine: Engine, extension: str) -> bool:
    query = text("SELECT count(*) FROM pg_available_extensions WHERE name = :name")
    with engine.connect() as connection:
        return bool(connection.scalar(query, {"name": extension}))


def _without_extension(driver: Any, statement: str) -> None:
    """The embedded PostgreSQL lacks uuid-ossp: PostgreSQL's own function, which is faster, stands in."""
    with driver, driver.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION public.uuid_generate_v4() RETURNS uuid"
            " LANGUAGE sql AS 'SELECT gen_random_uuid()'"
        )
        cursor.execute(statement.replace('CREATE EXTENSION IF NOT EXISTS "uuid-ossp";', ""))


_INSTALL = {
    PGPUBSUB: (_pgpubsub, "pgpubsub", ()),
    AUDIT: (_audit, "postgresql_audit", ("activity",)),
    PGEVENTS: (_pgevents, "psycopg2_pgevents", ()),
}


def installed() -> list[Variant]:
    """The peers that can be imported here."""
    return [
        Variant(name, install, fills)
        for name, (install, module, fills) in _INSTALL.items()
        if importlib.util.find_spec(module)
    ]


def versions() -> str:
    """The peers and their versions, or that they are not installed."""
    found = {variant.name for variant in installed()}
    return ", ".join(
        f"{name} {importlib.metadata.version(name) if name in found else 'not installed'}" for name in NAMES
    )
