"""Which transactions a snapshot has seen: PostgreSQL's own answer."""

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import Engine, text

from sa_notify.errors import MessageError
from sa_notify.live.snapshot import Snapshot


def test_agrees_with_postgresql(engine: Engine) -> None:
    """For every xid around a snapshot, ``sees`` is ``pg_visible_in_snapshot``."""
    texts = ["10:10:", "10:14:", "10:14:10,12", "10:20:10,11,12,19", "4294968000:4294968004:4294968000"]
    ask = text("SELECT pg_visible_in_snapshot(CAST(:xid AS xid8), CAST(:snapshot AS pg_snapshot))")
    with engine.connect() as connection:
        for snapshot in texts:
            parsed = Snapshot.parse(snapshot)
            for xid in range(parsed.xmin - 2, parsed.xmax + 2):
                expected = connection.scalar(ask, {"xid": str(xid), "snapshot": snapshot})
                assert parsed.sees(xid) == expected, (snapshot, xid)


@given(st.text())
def test_anything_else_is_refused(garbage: str) -> None:
    """What is no snapshot is an error of its own kind, never another exception."""
    try:
        Snapshot.parse(garbage)
    except MessageError:
        return
    assert garbage.count(":") == 2


@pytest.mark.parametrize("garbage", ["", "1:2", "a:b:c", "1:2:x", "1:2:3:4"])
def test_garbage(garbage: str) -> None:
    """The usual ways to be no snapshot."""
    with pytest.raises(MessageError):
        Snapshot.parse(garbage)
