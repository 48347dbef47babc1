"""A connection to listen on, made the way an application's engine makes its own."""

from collections.abc import Mapping
from contextvars import ContextVar
from posixpath import dirname
from typing import Any

import psycopg2
from sqlalchemy import URL, Engine, event, make_url
from sqlalchemy.exc import ArgumentError

from sa_notify.errors import SetupError
from sa_notify.source.listening import Connect
from sa_notify.source.sockets import (
    KEEPALIVE_COUNT,
    KEEPALIVE_INTERVAL,
    KEEPALIVE_SECONDS,
    UNACKNOWLEDGED_MS,
)

MEND = "set SA_NOTIFY_LISTEN_URL to a libpq URL of the primary: postgresql://user@host/database"

#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_DEFAULTS: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": KEEPALIVE_SECONDS,
    "keepalives_interval": KEEPALIVE_INTERVAL,
    "keepalives_count": KEEPALIVE_COUNT,
    "tcp_user_timeout": UNACKNOWLEDGED_MS,
    "fallback_application_name": "sa_notify",
}

#: What other drivers' URLs call a parameter of libpq; those named alike are taken over as they are.
_TRANSLATED = {
    "ssl": "sslmode",
    "timeout": "connect_timeout",
    "host": "host",
    "port": "port",
    "application_name": "application_name",
    "passfile": "passfile",
    "target_session_attrs": "target_session_attrs",
}
#: What concerns the driver alone.
_DRIVERS_OWN = frozenset(
    {
        "async_fallback",
        "command_timeout",
        "max_cacheable_statement_size",
        "max_cached_statement_lifetime",
        "prepared_statement_cache_size",
        "prepared_statement_name_func",
        "statement_cache_size",
        "tcp_keepalive",
    }
)

_listening: ContextVar[bool] = ContextVar("sa_notify_listening", default=False)


def listen_connect(engine: Engine, listen_url: str | None = None) -> Connect:
    """What makes a psycopg2 connection of its own to where ``engine`` leads, outside its pool.

    With psycopg2 and psycopg the engine connects as it always does (``creator``, ``connect_args``
    and its events included); of other drivers only the URL is known.

    :param listen_url: connect there instead: a libpq URL or DSN, or a SQLAlchemy URL of psycopg2.
    :raises SetupError: when the engine is not PostgreSQL's, or its URL has no meaning for libpq.
    """
    if engine.dialect.name != "postgresql":
        raise SetupError(f"live queries need PostgreSQL: engine= gave one of {engine.dialect.name}")
    if listen_url is not None:
        return _connect_to(**_from_listen_url(listen_url))
    if engine.dialect.driver not in ("psycopg2", "psycopg"):
        return _connect_to(**_from_url(engine.url))
    if not engine.dialect.dispatch.do_connect:
        # alone on the event, ours can't disturb listeners of others while they run
        event.listen(engine, "do_connect", _set_defaults)
    if engine.dialect.driver == "psycopg2":
        return lambda: _own_connection(engine)
    return lambda: _like(_own_connection(engine))


def _connect_to(dsn: str | None = None, **parameters: Any) -> Connect:
    given = psycopg2.extensions.parse_dsn(dsn) if dsn else parameters
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in given}
    return lambda: psycopg2.connect(dsn, **parameters, **defaults)


def _from_listen_url(listen_url: str) -> dict[str, Any]:
    try:
        if "+" in listen_url.partition("://")[0]:
            return _from_url(make_url(listen_url))
        if psycopg2.extensions.parse_dsn(listen_url):
            return {"dsn": listen_url}
    except (ArgumentError, psycopg2.ProgrammingError):
        # not even as the cause: these errors may quote the URL, and with it the password
        raise SetupError(f"SA_NOTIFY_LISTEN_URL can't be read: {MEND}") from None
    raise SetupError(f"SA_NOTIFY_LISTEN_URL is empty: {MEND}")


# -- through the engine


def _own_connection(engine: Engine) -> Any:
    """A fresh connection made by the engine's pool but never part of it: it takes no slot there."""
    _introduce(engine)
    token = _listening.set(True)
    try:
        fairy = engine.pool.recreate().connect()
    finally:
        _listening.reset(token)
    connection = fairy.dbapi_connection
    fairy.detach()
    return connection


def _introduce(engine: Engine) -> None:
    """Have the engine ask the server what it is through its own pool, where others wait until it knows.

    If the pool that is made for us asks, they don't: their connections are used by a dialect that knows half.
    """
    if not hasattr(engine.dialect, "default_isolation_level"):
        engine.connect().close()


def _set_defaults(_dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> None:
    if _listening.get() and not any(arguments):
        for name, value in _DEFAULTS.items():
            parameters.setdefault(name, value)


def _like(connection: Any) -> Any:
    """A connection of psycopg2 with the parameters of one of psycopg 3, which it replaces."""
    info = connection.info
    parameters = {**_DEFAULTS, **info.get_parameters()}
    # where several hosts are named, this is the one that took the connection
    found = {"host": info.host, "port": info.port, "dbname": info.dbname, "user": info.user}
    if "hostaddr" in parameters:
        found["hostaddr"] = info.hostaddr
    if info.password:
        found["password"] = info.password
    connection.close()
    try:
        return psycopg2.connect(**{**parameters, **found})
    except psycopg2.ProgrammingError as error:
        # psycopg 3 may come with a newer libpq than psycopg2
        raise SetupError(f"psycopg2 does not know a parameter of this engine: {MEND}") from error


# -- from a URL


def _from_url(url: URL) -> dict[str, Any]:
    driver = url.get_driver_name()
    if url.get_backend_name() != "postgresql":
        raise SetupError(f"SA_NOTIFY_LISTEN_URL is not PostgreSQL's: {MEND}")
    if driver in ("psycopg2", "psycopg", "psycopg_async", "psycopg2cffi"):
        _, parameters = url.set(drivername="postgresql+psycopg2").get_dialect()().create_connect_args(url)
        return dict(parameters)
    base = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    found = {name: value for name, value in base.items() if value}
    if url.password:
        found["password"] = str(url.password)
    for name, value in url.query.items():
        found.update(_translated(driver, name, value))
    return found


def _translated(driver: str, name: str, value: str | tuple[str, ...]) -> dict[str, Any]:
    if name in _DRIVERS_OWN:
        return {}
    if name == "unix_sock" and isinstance(value, str):
        # pg8000 names the socket itself, libpq its folder
        return {"host": dirname(value)}
    if name not in _TRANSLATED or not isinstance(value, str):
        raise SetupError(f"libpq can't be told {driver}'s {name!r} of the engine's URL: {MEND}")
    return {_TRANSLATED[name]: value}
