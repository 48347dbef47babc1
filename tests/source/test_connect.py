"""A connection to listen on is made the way the application makes its own, and beside them."""

import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from sqlalchemy import URL, Engine, create_engine, event, make_url, text

from sa_notify.errors import SetupError
from sa_notify.source.connect import _from_url, listen_connect

DRIVERS = ["psycopg2", "psycopg"]


@pytest.fixture
def url(database_url: str) -> URL:
    return make_url(database_url)


@contextlib.contextmanager
def _engine(url: URL | str, **options: Any) -> Iterator[Engine]:
    engine = create_engine(url, **options)
    try:
        yield engine
    finally:
        engine.dispose()


@contextlib.contextmanager
def _listening(url: URL | str, listen_url: str | None = None, **options: Any) -> Iterator[Any]:
    """What :func:`listen_connect` makes of an engine."""
    with _engine(url, **options) as engine:
        connection = listen_connect(engine, listen_url)()
        with contextlib.closing(connection):
            yield connection


def _setting(connection: Any, name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", (name,))
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("driver", DRIVERS)
def test_leads_where_the_engine_leads(url: URL, driver: str) -> None:
    """It is psycopg2's, leads to the engine's database, and notices a dead peer."""
    with _listening(url.set(drivername=f"postgresql+{driver}", password="some:p@ss")) as connection:
        parameters = connection.info.dsn_parameters
        assert isinstance(connection, psycopg2.extensions.connection)
        assert url.database == connection.info.dbname
        assert connection.info.password == "some:p@ss"
        assert _setting(connection, "application_name") == "sa_notify"
    assert tuple(parameters[name] for name in ("connect_timeout", "keepalives_idle", "tcp_user_timeout")) == (
        "10",
        "5",
        "10000",
    )


@pytest.mark.parametrize("driver", DRIVERS)
def test_takes_no_connection_from_the_pool(url: URL, driver: str) -> None:
    """A pool of one connection is still whole while two listen."""
    options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}
    with _engine(url.set(drivername=f"postgresql+{driver}"), **options) as engine:
        connect = listen_connect(engine)
        with contextlib.closing(connect()) as one, contextlib.closing(connect()) as two:
            gc.collect()
            assert engine.pool.checkedout() == 0
            with engine.connect() as own:
                assert own.scalar(text("SELECT 1")) == 1
            assert [one.closed, two.closed] == [0, 0]
            assert len({one.info.backend_pid, two.info.backend_pid}) == 2


@pytest.mark.parametrize("driver", DRIVERS)
def test_honours_connect_args(url: URL, driver: str) -> None:
    """What the application says about its connections holds for this one too, before our defaults."""
    arguments = {"application_name": "the app", "connect_timeout": 3}
    with _listening(url.set(drivername=f"postgresql+{driver}"), connect_args=arguments) as connection:
        assert _setting(connection, "application_name") == "the app"
        assert connection.info.dsn_parameters["connect_timeout"] == "3"


def test_honours_creator(url: URL) -> None:
    """An engine with a creator of its own is asked to create."""
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    made = []

    def creator() -> Any:
        made.append(psycopg2.connect(dsn, application_name="created"))
        return made[-1]

    with _listening("postgresql+psycopg2://", creator=creator) as connection:
        assert made[-1] is connection
        assert _setting(connection, "application_name") == "created"


def test_honours_events(url: URL) -> None:
    """A password or a role that events give to each new connection is given to this one."""
    with _engine(url) as engine:

        @event.listens_for(engine, "do_connect")
        def name(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            parameters["application_name"] = "from an event"

        @event.listens_for(engine, "connect")
        def work_mem(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET work_mem = '5MB'")

        with contextlib.closing(listen_connect(engine)()) as connection:
            assert _setting(connection, "application_name") == "from an event"
            assert _setting(connection, "work_mem") == "5MB"


def test_leaves_the_applications_connections_alone(url: URL) -> None:
    """Our timeouts and name are only on the connection that listens."""
    with _engine(url) as engine:
        listen_connect(engine)().close()
        with contextlib.closing(engine.raw_connection()) as connection:
            own: Any = connection.driver_connection
            assert _setting(own, "application_name") == ""
            assert "connect_timeout" not in own.info.dsn_parameters


@pytest.mark.parametrize("driver", DRIVERS)
def test_nobody_uses_an_engine_that_does_not_know_its_server_yet(
    url: URL, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application's first connection may come while ours is the first of all."""
    with _engine(url.set(drivername=f"postgresql+{driver}")) as engine:
        asking, answered, errors = threading.Event(), threading.Event(), []
        initialize = engine.dialect.initialize

        def slow(connection: Any) -> None:
            asking.set()
            assert answered.wait(30)
            initialize(connection)

        def use() -> None:
            try:
                with engine.connect() as connection:
                    connection.execution_options(isolation_level="AUTOCOMMIT").scalar(text("SELECT 1"))
            except Exception as error:
                errors.append(error)

        monkeypatch.setattr(engine.dialect, "initialize", slow)
        ours = threading.Thread(target=lambda: listen_connect(engine)().close())
        ours.start()
        assert asking.wait(30)
        theirs = threading.Thread(target=use)
        theirs.start()
        theirs.join(0.3)  # in vain, or it was not made to wait
        answered.set()
        theirs.join(30)
        ours.join(30)
        assert errors == []


@pytest.mark.parametrize("form", ["sqlalchemy", "uri", "dsn"])
def test_a_listen_url_goes_before_the_engine(url: URL, form: str) -> None:
    """Any form of URL leads there, whatever the engine's own says."""
    given = {
        "sqlalchemy": url.render_as_string(hide_password=False),
        "uri": url.set(drivername="postgresql").render_as_string(hide_password=False),
        "dsn": f"host={url.host or url.query.get('host')} port={url.port or 5432} "
        f"user={url.username} dbname={url.database}",
    }[form]
    with _listening("postgresql+psycopg2://nobody@nowhere.invalid/nothing", given) as connection:
        assert url.database == connection.info.dbname
        assert connection.info.dsn_parameters["connect_timeout"] == "10"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "postgresql+pg8000://u:p%40ss@h:1/d?application_name=a&timeout=3&tcp_keepalive=true",
            {"user": "u", "password": "p@ss", "host": "h", "port": 1, "dbname": "d"}
            | {"application_name": "a", "connect_timeout": "3"},
        ),
        (
            "postgresql+pg8000://u@/d?unix_sock=/run/postgresql/.s.PGSQL.5432",
            {"user": "u", "dbname": "d", "host": "/run/postgresql"},
        ),
        (
            "postgresql+asyncpg://u@h/d?ssl=verify-full&prepared_statement_cache_size=0",
            {"user": "u", "host": "h", "dbname": "d", "sslmode": "verify-full"},
        ),
        (
            "postgresql+asyncpg://u@/d?host=/run/pg&port=6",
            {"user": "u", "dbname": "d", "host": "/run/pg", "port": "6"},
        ),
        (
            "postgresql+psycopg_async://u@h/d?sslmode=require",
            {"user": "u", "host": "h", "dbname": "d", "sslmode": "require"},
        ),
    ],
)
def test_translates_other_drivers_urls(given: str, expected: dict[str, Any]) -> None:
    """Of a driver without libpq the URL is translated."""
    assert expected == _from_url(make_url(given))


@pytest.mark.parametrize(
    ("engine_url", "listen_url", "what"),
    [
        ("sqlite://", None, "need PostgreSQL"),
        ("sqlite://", "postgresql://h/d", "need PostgreSQL"),
        ("postgresql+psycopg2://h/d", "postgresql://u:secret@h/d?nonsense=1", "SA_NOTIFY_LISTEN_URL"),
        ("postgresql+psycopg2://h/d", "dsn of secret nonsense", "SA_NOTIFY_LISTEN_URL"),
        ("postgresql+psycopg2://h/d", "mysql+secret://h/d", "SA_NOTIFY_LISTEN_URL"),
        ("postgresql+psycopg2://h/d", "", "SA_NOTIFY_LISTEN_URL"),
    ],
)
def test_refuses_what_can_not_work(engine_url: str, listen_url: str | None, what: str) -> None:
    """What can't be listened on is refused at once, with the mend, and without a password."""
    with _engine(engine_url) as engine, pytest.raises(SetupError, match=what) as refused:
        listen_connect(engine, listen_url)

    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_refuses_what_libpq_can_not_be_told() -> None:
    """An option of another driver that libpq lacks names the setting to use instead."""
    with pytest.raises(SetupError, match="SA_NOTIFY_LISTEN_URL"):
        _from_url(make_url("postgresql+pg8000://h/d?ssl_context=x"))
