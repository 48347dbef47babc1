"""One process's clients: what stays, moves, closes, and what is left when they go."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g, request
from flask_socketio import SocketIO
from prometheus_client import REGISTRY
from sqlalchemy import Engine, Integer, cast, create_engine, literal, select, text

from sa_notify import Dispatcher
from sa_notify.errors import QueryError, SetupError
from sa_notify.live import few
from sa_notify.web.settings import Settings
from tests.apps.items import Item, create_app
from tests.deliveries import DELIVERIES
from tests.protocol import wait_for
from tests.web.inprocess import ask as _ask, client as _client, running as _running, take as _take


@pytest.fixture(params=DELIVERIES)
def delivery(request: pytest.FixtureRequest) -> str:
    """Both ways."""
    return str(request.param)


@pytest.fixture
def app(database: Engine) -> Iterator[Flask]:
    """The application in this process, with threads."""
    yield create_app(database, async_mode="threading")


def test_nothing_runs_before_the_first_client(app: Flask, database: Engine) -> None:
    """A command line or a server that will fork holds no LISTEN connection."""
    with app.test_request_context():
        assert _running(app) is None
    with database.connect() as connection:
        listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        assert connection.scalar(text(listening)) == 0


def test_a_client_that_leaves_leaves_nothing_behind(app: Flask) -> None:
    """Neither queries nor clients are kept for a connection that is gone."""
    client, seen = _client(app), []
    for id_ in range(5):
        assert _ask(client, "subscribe", id=id_, query="page", params={"limit": id_ + 1})["ok"]
    wait_for(lambda: len(_take(client, seen, "snapshot")) == 5, "the snapshots")
    client.disconnect("/realtime")
    wait_for(lambda: len(_running(app).runner) == 0, "no live query")
    assert _running(app).clients == {}


def test_who_asks_for_the_same_is_remembered_with_one_wish(app: Flask) -> None:
    """A further viewer of a window brings no parameters of its own; others keep theirs."""
    clients = [_client(app) for _ in range(3)]
    for client, limit in zip(clients, (4, 4, 5), strict=True):
        assert _ask(client, "subscribe", id=1, query="page", params={"limit": limit})["ok"]
    wishes = [few.find(each.wishes, 1) for each in _running(app).clients.values()]
    assert [wish.params for wish in wishes] == [{"limit": 4}, {"limit": 4}, {"limit": 5}]
    assert wishes[0] is wishes[1]


def test_revoke_closes_who_is_refused_and_moves_who_sees_something_else(database: Engine) -> None:
    """The function is asked again: it may refuse, or return another statement."""
    dispatcher, allowed = Dispatcher(), {"who": "all"}
    app, seen = Flask(__name__), []
    app.config.update(SECRET_KEY="test", SA_NOTIFY_RECHECK_SECONDS=3600)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)

    @dispatcher.query
    def items() -> Any:
        if allowed["who"] == "nobody":
            raise PermissionError
        statement = select(Item).order_by(Item.id)
        return statement.where(Item.owner_id == 1) if allowed["who"] == "one" else statement

    client = _client(app)
    first = _ask(client, "subscribe", id=1, query="items")["key"]
    wait_for(lambda: len(_take(client, seen, "snapshot")) == 1, "the snapshot")
    allowed["who"] = "one"
    with app.app_context():
        dispatcher.revoke()
    wait_for(lambda: len(_take(client, seen, "snapshot")) == 2, "another snapshot")
    moved = _take(client, seen, "snapshot")[-1]
    assert moved["id"] == 1 and moved["key"] != first and len(moved["rows"]) == 10
    allowed["who"] = "nobody"
    with app.app_context():
        dispatcher.revoke()
    wait_for(lambda: _take(client, seen, "closed"), "closed")
    assert _take(client, seen, "closed")[0]["error"]["code"] == "forbidden"
    assert len(_running(app).runner) == 0


def test_a_recheck_is_not_made_as_whoever_asks_for_it(database: Engine) -> None:
    """``revoke`` called in an administrator's request sees each subscriber's own ``g`` and session."""
    dispatcher, seen, called_as = Dispatcher(), [], []
    app = Flask(__name__)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)

    @dispatcher.query
    def items() -> Any:
        called_as.append((g.get("user"), request.cookies.get("user")))
        return select(Item)

    client = _client(app, cookie="user=bob")
    assert _ask(client, "subscribe", id=1, query="items")["ok"]
    with app.test_request_context(headers={"Cookie": "user=root"}):
        g.user = "root"
        dispatcher.revoke()
    assert len(called_as) >= 2 and set(called_as) == {(None, "bob")}  # it is asked each second, too
    assert not _take(client, seen, "closed")


def test_subscribers_are_rechecked_by_themselves(database: Engine) -> None:
    """Without any call of ours a refusal takes effect within the configured time."""
    dispatcher, refuse, seen = Dispatcher(), [], []
    app = Flask(__name__)
    app.config.update(SA_NOTIFY_RECHECK_SECONDS=0.2)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)

    @dispatcher.query
    def items() -> Any:
        if refuse:
            raise PermissionError
        return select(Item)

    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="items")["ok"]
    refuse.append(True)
    wait_for(lambda: _take(client, seen, "closed"), "closed")


def test_tokens_expire_and_belong_to_a_login(database: Engine) -> None:
    """An old token says so; one of another login is bad; a rotated key is still good."""
    app = create_app(database, async_mode="threading")
    app.config["SECRET_KEY_FALLBACKS"] = ["test"]
    token = app.test_client().get("/token/1").text
    app.config["SECRET_KEY"] = "rotated"
    assert _ask(_client(app), "subscribe", id=1, token=token)["ok"]
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert _ask(_client(app), "subscribe", id=1, token=token)["error"]["code"] == "bad_token"
    app.extensions["sa_notify"].tokens._max_age = 0
    fresh = app.test_client().get("/token/1").text
    began = time.time()
    wait_for(lambda: int(time.time()) > int(began) + 1, "the token's age in whole seconds")
    assert _ask(_client(app), "subscribe", id=1, token=fresh)["error"]["code"] == "expired_token"


def test_set_up_mistakes_say_what_to_do(database: Engine) -> None:
    """Each is refused at start, not at three in the morning."""
    app = Flask(__name__)
    socketio = SocketIO(app, async_mode="threading")
    with pytest.raises(SetupError, match="socketio.init_app"):
        Dispatcher().init_app(app, SocketIO(), engine=database)
    with pytest.raises(SetupError, match="second"):
        Dispatcher().init_app(app, database, engine=socketio)  # type: ignore[arg-type]
    with pytest.raises(SetupError, match="needs PostgreSQL"):
        Dispatcher().init_app(app, socketio, engine=create_engine("sqlite://"))
    with pytest.raises(SetupError, match="engine= takes"):
        Dispatcher().init_app(app, socketio, engine="postgresql://")
    Dispatcher().init_app(app, socketio, engine=database)
    with pytest.raises(SetupError, match="once"):
        Dispatcher().init_app(app, socketio, engine=database)


@pytest.mark.parametrize("origins", ["*", [], ["https://a.example", "*"], ("*",), {"*"}, "null", ["null"]])
def test_pages_of_every_site_are_not_let_in_by_accident(database: Engine, origins: Any) -> None:
    """It is refused at start, unless it is named for what it is."""
    app = Flask(__name__)
    socketio = SocketIO(app, async_mode="threading", cors_allowed_origins=origins)
    with pytest.raises(SetupError, match="name the origins"):
        Dispatcher().init_app(app, socketio, engine=database)
    app.config["SA_NOTIFY_UNSAFE_ORIGINS"] = True
    Dispatcher().init_app(app, socketio, engine=database)
    other = Flask(__name__)
    named = SocketIO(other, async_mode="threading", cors_allowed_origins=("https://a.example",))
    Dispatcher().init_app(other, named, engine=database)


def test_a_client_that_asks_too_fast_is_told_when_it_may(database: Engine) -> None:
    """Its neighbours are not concerned; what it has stands."""
    app = create_app(database, async_mode="threading")
    app.extensions["sa_notify"].settings = Settings(max_subscriptions=4, max_requests=2.0)
    client = _client(app)
    assert all(_ask(client, "subscribe", id=n, query="page")["ok"] for n in range(4))
    assert all(_ask(client, "resync", id=1)["ok"] for _ in range(4))
    refused = _ask(client, "resync", id=1)["error"]
    assert refused["code"] == "too_many" and 0 < refused["retry_after"] <= 0.5
    assert _ask(_client(app), "subscribe", id=1, query="page")["ok"]
    wait_for(lambda: _ask(client, "resync", id=1)["ok"], "its turn")


def test_a_token_belongs_to_a_login(database: Engine) -> None:
    """Another browser of the same user has another session, and tokens of its own."""
    app = create_app(database, async_mode="threading")

    def browser(session_id: str) -> tuple[str, str]:
        web = app.test_client()
        with web.session_transaction() as session:
            session["_user_id"], session["_id"] = "ann", session_id
        cookie = web.get_cookie("session")
        assert cookie is not None
        return f"session={cookie.value}", web.get("/token/1").text

    (first, token), (second, _) = browser("laptop"), browser("phone")
    assert _ask(_client(app, first), "subscribe", id=1, token=token)["ok"]
    assert _ask(_client(app, second), "subscribe", id=1, token=token)["error"]["code"] == "bad_token"
    assert _ask(_client(app), "subscribe", id=1, token=token)["error"]["code"] == "bad_token"


def test_health_is_for_load_balancers(database: Engine, app: Flask) -> None:
    """Live while nobody looks or changes are heard; 503 while clients are told otherwise."""
    web, seen = app.test_client(), []
    assert web.get("/sa_notify/health").json == {"live": True, "database": {"used": 0.0, "budget": 2.0}}
    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="page")["ok"]
    wait_for(lambda: _take(client, seen, "snapshot"), "the snapshot")
    app.extensions["sa_notify"]._running.runner.beat()
    answer = web.get("/sa_notify/health")
    assert answer.status_code == 200
    assert 0 < answer.get_json()["database"]["used"] < answer.get_json()["database"]["budget"] == 2.0
    app.extensions["sa_notify"]._running.runner.lost()
    answer = web.get("/sa_notify/health")
    assert (answer.status_code, answer.get_json()["live"]) == (503, False)


def test_writes_that_no_trigger_sees_are_found(database: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """The page is right within a second or so; the counter and the log name the query."""
    app, seen, before = create_app(database, async_mode="threading"), [], _divergence()
    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="page")["ok"]
    wait_for(lambda: _take(client, seen, "snapshot"), "the snapshot")
    wait_for(lambda: all(live.idle for live in _running(app).runner._hub.subscriptions.all()), "rest")
    with database.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE items SET title = 'unseen'"))
    wait_for(lambda: _take(client, seen, "diff"), "the proof")
    wait_for(lambda: "was wrong" in caplog.text, "the log")
    assert _divergence() == before + 1


def _divergence() -> float:
    return REGISTRY.get_sample_value("sa_notify_divergence_total", {"query": "page"}) or 0.0


@pytest.mark.parametrize("setting", [0, -1, "many", True])
def test_settings_are_checked(database: Engine, setting: Any) -> None:
    """A limit that is no positive number is refused at start."""
    app = Flask(__name__)
    app.config["SA_NOTIFY_MAX_SUBSCRIPTIONS"] = setting
    with pytest.raises(SetupError, match="SA_NOTIFY_MAX_SUBSCRIPTIONS"):
        Dispatcher().init_app(app, SocketIO(app, async_mode="threading"), engine=database)


def test_registration_mistakes_say_what_to_do() -> None:
    """Parameters that can't be validated, names that are taken, options of the wrong kind."""
    dispatcher = Dispatcher()

    def no_annotation(owner):  # type: ignore[no-untyped-def]
        ...

    def star(*owners: int) -> None: ...

    def odd(engine: Engine) -> None: ...

    for function, message in ((no_annotation, "owner: int"), (star, "names"), (odd, "JSON can carry")):
        with pytest.raises(QueryError, match=message):
            dispatcher.query(function)
    with pytest.raises(QueryError, match=r"key=\['id'\]"):
        dispatcher.query(key="id")(lambda: None)

    def one() -> None: ...

    dispatcher.query(name="same")(one)
    with pytest.raises(QueryError, match="already"):
        dispatcher.query(name="same")(odd_free)


def odd_free() -> None:
    """A function of another name, without parameters."""


def test_a_server_that_is_away_is_told_as_not_live(database: Engine) -> None:
    """A client who subscribes while PostgreSQL can't be reached is accepted, and sees that it waits."""
    dispatcher, seen = Dispatcher(), []
    app = Flask(__name__)
    away = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=away)

    @dispatcher.query
    def items() -> Any:
        return select(Item)

    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="items")["ok"]
    wait_for(lambda: _take(client, seen, "heartbeat"), "a heartbeat")
    assert not any(beat["live"] for beat in _take(client, seen, "heartbeat"))
    assert not _take(client, seen, "snapshot")


def test_a_client_is_told_at_once_when_proofs_stay_away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """And when they come again; not with the next beat, which may be two seconds off."""
    monkeypatch.setattr("sa_notify.web.running.BEAT_SECONDS", 3600)
    client, seen = _client(app), []
    assert _ask(client, "subscribe", id=1, query="page", params={"limit": 1})["ok"]
    wait_for(lambda: _take(client, seen, "snapshot"), "the snapshot")

    def told() -> list[bool]:
        return [beat["live"] for beat in _take(client, seen, "heartbeat")]

    with monkeypatch.context() as while_away:
        while_away.setattr("sa_notify.web.runner.LIVE_SECONDS", -1)
        wait_for(lambda: told()[-1:] == [False], "stale")
    wait_for(lambda: told()[-1:] == [True], "live")


def test_a_failure_is_logged_without_values(database: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """The log names query and SQLSTATE; what a row or a parameter holds is in it at no level."""
    dispatcher, seen = Dispatcher(), []
    app = Flask(__name__)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)

    @dispatcher.query
    def casts(canary: str) -> Any:
        return select(cast(literal(canary) + Item.title, Integer).label("n"))

    client = _client(app)
    caplog.set_level("DEBUG")
    assert _ask(client, "subscribe", id=1, query="casts", params={"canary": "canary"})["ok"]
    wait_for(lambda: _take(client, seen, "closed"), "closed")
    assert "casts failed: InvalidTextRepresentation, SQLSTATE 22P02" in caplog.text
    assert "canary" not in caplog.text and "item 1" not in caplog.text
    assert "canary" not in str(_take(client, seen, "closed"))


def test_what_is_shown_is_never_logged(
    app: Flask, database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what rows hold nor parameters, at any level."""
    caplog.set_level("DEBUG", logger="sa_notify")
    client, seen = _client(app), []
    assert _ask(client, "subscribe", id=1, query="joined", params={"name": "canary-1"})["ok"]
    assert _ask(client, "subscribe", id=2, query="page", params={"limit": 100})["ok"]
    wait_for(lambda: len(_take(client, seen, "snapshot")) == 2, "the snapshots")
    with database.begin() as connection:
        connection.execute(text("UPDATE owners SET name = 'canary-1' WHERE id = 1"))
        connection.execute(
            text("UPDATE items SET title = 'canary-2', secret = 'canary-3' WHERE owner_id = 1")
        )
    wait_for(lambda: "canary-2" in str(_take(client, seen, "diff")), "the change")
    assert "canary" not in caplog.text


def test_a_closed_id_may_be_used_again(app: Flask) -> None:
    """A client whose query failed asks again under its own number."""
    client, seen = _client(app), []
    for times in (1, 2):
        assert _ask(client, "subscribe", id=7, query="broken")["ok"]
        wait_for(lambda: len(_take(client, seen, "closed")) == times, "closed")  # noqa: B023
    assert _ask(client, "subscribe", id=7, query="page")["ok"]
    wait_for(lambda: _take(client, seen, "snapshot"), "the snapshot")


def test_a_recheck_without_a_database_closes_nobody(database: Engine) -> None:
    """A user loader that can't be asked for a moment is asked again; a refusal closes."""
    dispatcher, away, seen = Dispatcher(), [], []
    app = Flask(__name__)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)

    @dispatcher.query
    def items() -> Any:
        if away:
            create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none").connect()
        return select(Item)

    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="items")["ok"]
    away.append(True)
    with app.app_context():
        dispatcher.revoke()
    assert not _take(client, seen, "closed") and len(_running(app).runner) == 1


def test_a_recheck_is_for_the_subscription_it_began_with(database: Engine) -> None:
    """A number that is used again meanwhile stands for what was asked last."""
    dispatcher, again, entered, seen = Dispatcher(), threading.Event(), threading.Event(), []
    app = Flask(__name__)
    dispatcher.init_app(app, SocketIO(app, async_mode="threading"), engine=database)
    rechecking = threading.Event()

    @dispatcher.query
    def item(n: int) -> Any:
        if n == 1 and rechecking.is_set():
            entered.set()
            assert again.wait(20)
        return select(Item).where(Item.id == n)

    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="item", params={"n": 1})["ok"]
    wait_for(lambda: _take(client, seen, "snapshot"), "the snapshot")
    rechecking.set()
    recheck = threading.Thread(target=app.extensions["sa_notify"].recheck)
    recheck.start()
    assert entered.wait(20)
    assert _ask(client, "unsubscribe", id=1)["ok"]
    assert _ask(client, "subscribe", id=1, query="item", params={"n": 2})["ok"]
    again.set()
    recheck.join(20)
    assert _ask(client, "resync", id=1)["ok"]
    wait_for(lambda: len(_take(client, seen, "snapshot")) >= 2, "both snapshots")
    assert [rowkey for rowkey, _ in _take(client, seen, "snapshot")[-1]["rows"]] == ["2"]


def test_rows_that_went_with_their_table_go(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """DDL announces nothing; the catalog is asked every few seconds, however seldom subscribers are."""
    monkeypatch.setattr("sa_notify.web.running.COVERAGE_SECONDS", 0.2)
    app, seen = create_app(database, async_mode="threading"), []
    app.extensions["sa_notify"].settings = Settings(recheck_seconds=3600)
    client = _client(app)
    assert _ask(client, "subscribe", id=1, query="page")["ok"]
    wait_for(lambda: _take(client, seen, "snapshot"), "the snapshot")
    with database.begin() as connection:
        connection.execute(text("DROP TABLE items"))
        Item.metadata.create_all(connection)
    wait_for(lambda: _take(client, seen, "diff"), "the diff")
    assert {op[0] for op in _take(client, seen, "diff")[0]["ops"]} == {"remove"}


def test_the_budget_is_the_setting_s(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads past it wait: one of two seconds, of half a second a second, leaves three beyond the burst."""
    monkeypatch.setenv("SA_NOTIFY_TEST_APP_SA_NOTIFY_DATABASE_BUDGET", "0.5")
    app = create_app(database, async_mode="threading")
    assert _ask(_client(app), "subscribe", id=1, query="page")["ok"]
    pace = _running(app).runner._hub._pace
    pace.spend(2.0, now=1e9)
    assert pace.overdrawn(1e9) >= 3.0
