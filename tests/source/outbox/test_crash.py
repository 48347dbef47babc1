"""PostgreSQL itself is killed, restarted, or was never the primary."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from sa_notify.errors import SourceLost
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox import keeper, rotation
from sa_notify.source.outbox.pruning import Pruning
from sa_notify.source.outbox.session import Session
from sa_notify.source.outbox.source import OutboxSource
from tests.protocol import wait_for
from tests.servers import Postgres, own_postgres
from tests.source.announcing import begin, plain
from tests.source.outbox.conftest import Follow
from tests.source.outbox.outboxes import all_is_well, commit, put, slot_counts


def test_a_killed_server_begins_a_new_epoch(own_server: Postgres, own_engine: Engine, follow: Follow) -> None:
    """Its tables are empty and transaction numbers come again; all that is written afterwards is heard."""
    followers = [follow(engine=own_engine), follow("poll", engine=own_engine)]
    with closing(plain(own_engine)) as writer:
        for n in range(20):
            commit(writer, n)
        for follower in followers:
            follower.hears(*range(20))
        # transactions of which the disk never heard
        for _ in range(50):
            put(writer, "gone")
            writer.rollback()
        before = begin(writer)
        _kill(own_server)
    own_server.start()
    own_engine.dispose()
    with closing(plain(own_engine)) as writer:
        after = begin(writer)
        writer.rollback()
        assert after <= before
        assert slot_counts(own_engine) == [0, 0, 0, 0]
        for follower in followers:
            follower.loses()
        all_is_well(followers, writer)
        names = [f"later {n}" for n in range(before + 100 - after)]
        for name in names:
            assert commit(writer, name) > 0
        assert begin(writer) > before
    for follower in followers:
        follower.hears(*names)
        assert "gone" not in follower.keys


def test_a_restart_in_order_begins_a_new_epoch(
    own_server: Postgres, own_engine: Engine, follow: Follow
) -> None:
    """The tables keep what was in them then, and none of it is heard again."""
    follower = follow(engine=own_engine)
    with closing(plain(own_engine)) as writer:
        commit(writer, "before")
    follower.hears("before")
    own_server.stop()
    own_engine.dispose()
    own_server.start()
    follower.loses()
    with closing(plain(own_engine)) as writer:
        commit(writer, "after")
    follower.hears("after")

    assert follower.keys == ["after"]
    assert sum(slot_counts(own_engine)) == 2


def test_a_prepared_transaction_pins_its_slot_alone(
    own_engine: Engine, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others take turns around it, across the end of its session, and it is heard when it commits."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 1)
    monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.02)
    follower = follow(engine=own_engine)
    with closing(plain(own_engine)) as preparing:
        put(preparing, "prepared")
        with preparing.cursor() as cursor:
            cursor.execute("PREPARE TRANSACTION 'outbox'")
    with closing(plain(own_engine)) as writer, closing(plain(own_engine)) as desk:
        desk.autocommit = True
        pruning = Pruning(Session(desk, pooled=False))
        for n in range(30):
            commit(writer, n)
            follower.hears(n)
            pruning.prune(float(n))
        follower.until(lambda: sum(slot_counts(own_engine)) <= 1, "emptied slots")
        writer.autocommit = True
        with writer.cursor() as cursor:
            cursor.execute("COMMIT PREPARED 'outbox'")
    follower.hears("prepared")

    assert follower.keys == [*map(str, range(30)), "prepared"]


@pytest.fixture
def standby() -> Iterator[Postgres]:
    """A server in recovery that answers."""
    with own_postgres("sa-notify-standby-") as server:
        server.stop()
        (server.room / "data" / "standby.signal").touch()
        yield server.start()


def test_a_standby_is_refused(standby: Postgres) -> None:
    """Nothing can be kept or heard before it is promoted; the error names the primary as the mend."""
    engine = create_engine(standby.url)
    for wake in ("notify", "poll"):
        source = OutboxSource(listen_connect(engine), wake)
        with pytest.raises(SourceLost, match="standby.*primary"):
            source.open()
    engine.dispose()


def _kill(server: Postgres) -> None:
    """The postmaster, which takes all of its processes along."""
    pid = int(Path(server.room / "data" / "postmaster.pid").read_text().split()[0])
    children = _children(pid)
    os.kill(pid, signal.SIGKILL)
    assert server.child is not None
    server.child.wait(20)
    wait_for(lambda: all(_status(child / "stat")[0] == "Z" for child in children), "its processes to end")


def _children(pid: int) -> list[Path]:
    return [path.parent for path in Path("/proc").glob("[0-9]*/stat") if _status(path)[1] == str(pid)]


def _status(path: Path) -> list[str]:
    """State, parent and more; a process that is gone has ended."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z", "0"]
