"""Where a command works: a database, and the models that are to be in it."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

import click
from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from sa_notify.capture.spec import realtime_metadatas


class Refused(click.ClickException):
    """The command can't be carried out; its exit status tells it from a difference that was found."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A database and the metadata of decorated models; ``None`` where no models are known."""

    engine: Engine
    metadatas: tuple[MetaData, ...] | None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that can't write.

        :raises Refused: the database can't be reached or refuses.
        """
        if self.engine.dialect.name != "postgresql":
            raise Refused(f"sa_notify is for PostgreSQL; this database is {self.engine.dialect.name}")
        try:
            with self.engine.connect().execution_options(postgresql_readonly=True) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Refused(_first_line(error)) from error


def with_place(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--url`` and ``--models``, and itself a :class:`Place` in their stead."""

    @click.option(
        "--url", help="The database, as SQLAlchemy has it; else SA_NOTIFY_DATABASE_URL or DATABASE_URL."
    )
    @click.option(
        "--models",
        multiple=True,
        metavar="MODULE[:NAME]",
        help="Import decorated models from here; NAME is a base class or a MetaData. May be repeated; else "
        "SA_NOTIFY_MODELS, separated by spaces.",
    )
    @wraps(command)
    def wrapped(url: str | None, models: tuple[str, ...], **options: Any) -> Any:
        names = models or tuple(os.environ.get("SA_NOTIFY_MODELS", "").split())
        engine = create_engine(_url(url))
        try:
            return command(Place(engine, _metadatas(names) if names else None), **options)
        finally:
            engine.dispose()

    return wrapped


def _url(given: str | None) -> URL:
    text = given or os.environ.get("SA_NOTIFY_DATABASE_URL") or os.environ.get("DATABASE_URL")
    if not text:
        raise Refused("no database: give --url, or set SA_NOTIFY_DATABASE_URL or DATABASE_URL")
    try:
        # libpq and hosting providers say "postgres://"
        url = make_url(
            text.replace("postgres://", "postgresql://", 1) if text.startswith("postgres://") else text
        )
    except ArgumentError:
        # the message would hold the password
        raise Refused("the database's URL can't be read: postgresql://user:password@host/database") from None
    known = url.get_backend_name() != "postgresql" or url.drivername.endswith(("+psycopg2", "+psycopg"))
    return url if known else url.set(drivername="postgresql+psycopg2")


def _metadatas(names: Iterable[str]) -> tuple[MetaData, ...]:
    if "" not in sys.path:
        sys.path.insert(0, "")  # as python -m has it: modules of the current folder
    chosen: list[MetaData] = []
    for name in names:
        chosen += _imported(name)
    found = tuple(dict.fromkeys(chosen)) or realtime_metadatas()
    if not found:
        raise Refused(f"no model in {', '.join(names)} says @realtime")
    return found


def _imported(name: str) -> list[MetaData]:
    """The metadata that a name stands for; none when it is a module alone: then all are meant."""
    module_name, _, attribute = name.partition(":")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise Refused(f"{module_name} can't be imported: {error}") from error
    if not attribute:
        return []
    found = getattr(module, attribute, None)
    metadata = getattr(found, "metadata", found)
    if not isinstance(metadata, MetaData):
        raise Refused(f"{name} is neither a MetaData nor has one: name a declarative base or a MetaData")
    return [metadata]


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__)
