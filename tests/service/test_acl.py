"""Dispatcher and workers need no rights in Redis beyond those that docs/security.md gives them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from sa_notify.redis.overview import clients, overview
from sa_notify.source.service.source import ServiceSource
from sa_notify.source.wanted import Wanted
from tests.protocol import wait_for
from tests.service.dispatchers import InThread
from tests.service.worker import Worker

_DOCS = Path(__file__).parents[2] / "docs" / "security.md"


@pytest.fixture
def urls(client: redis.Redis, redis_url: str, keys: Keys) -> Iterator[Callable[[str], str]]:
    """Makes the two users for this test's names; their URLs."""
    block = re.search(r"<!-- acl -->\n```\n(.*?)```", _DOCS.read_text("utf-8"), re.DOTALL)
    assert block
    made = {}
    for line in block[1].splitlines():
        _, _, name, *rules = line.replace("{sa_notify}:", keys.base).split()
        user, password = f"{name}-{keys.base.strip('{}:')}", next(r[1:] for r in rules if r.startswith(">"))
        client.execute_command("ACL", "SETUSER", user, "reset", *rules)
        made[name] = redis_url.replace("redis://", f"redis://{user}:{password}@", 1)
    yield made.__getitem__
    for url in made.values():
        client.execute_command("ACL", "DELUSER", url.split("//")[1].split(":")[0])


def test_the_documented_rights_are_enough(
    urls: Callable[[str], str], engine: Engine, tables: Any, keys: Keys, led: Callable[..., Any],
    write: Callable[..., None],
) -> None:  # fmt: skip
    """A change goes through; a worker is seen, tells of its clients, revokes and leaves."""
    dispatcher = InThread(engine, urls("dispatcher"), keys)
    revoked: list[str | None] = []
    source = ServiceSource(lambda: connect(urls("web")), keys, revoked=revoked.append)
    try:
        led()
        worker = Worker(source, ("a",))
        worker.open()
        source.want(Wanted(1, rows={"public.b": frozenset({("2",)})}, tallies=frozenset({"public.b"})))
        assert source.capture({"public.b"}) == {"public.b"}
        write("a", 1)
        worker.hears("a", 1)
        write("b", 3)
        worker.until(lambda: worker.heard.get("public.b") == ["tally"])
        source.present({"sid": {"user": "ann", "since": 0, "queries": []}})
        source.revoke("ann")
        worker.until(lambda: revoked == ["ann"])
        with connect(urls("web")) as looking:
            wait_for(lambda: len(clients(looking, keys)) == 1, "the client to be seen")
            assert len(overview(looking, keys).workers) == 1
        source.close()
        with connect(urls("dispatcher")) as looking:
            assert overview(looking, keys).workers == {}
    finally:
        source.close()
        dispatcher.stop()


@pytest.mark.parametrize("who", ["dispatcher", "web"])
def test_nothing_else_may_be_done(urls: Callable[[str], str], client: redis.Redis, who: str) -> None:
    """Neither with other names nor with the server."""
    with connect(urls(who)) as theirs:
        for refused in (
            ("SET", "other", "1"),
            ("GET", "other"),
            ("FLUSHALL",),
            ("CONFIG", "GET", "*"),
            ("KEYS", "*"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                theirs.execute_command(*refused)
        with pytest.raises(redis.exceptions.ResponseError, match="permission|No permissions|can't"):
            theirs.eval("return redis.call('SET', 'other', '1')", 0)
    assert client.get("other") is None
