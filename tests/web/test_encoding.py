"""What is emitted reaches clients as if Socket.IO had written it."""

import json
from typing import Any

import pytest
from flask import Flask
from flask_socketio import SocketIO
from hypothesis import given, strategies as st
from socketio.packet import EVENT, Packet

from sa_notify.web.encoding import encoder_of

TEXTS = st.text() | st.sampled_from(["\ud800", "\u2028", "\x00", '"', "é", "👋"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXTS, SCALARS, max_size=2)


def _socketio(**options: Any) -> SocketIO:
    return SocketIO(Flask(__name__), async_mode="threading", **options)


def _packet(socketio: SocketIO, data: Any) -> Any:
    return socketio.server.packet_class(EVENT, namespace="/realtime", data=data)


PREPARED = _socketio()


@given(st.dictionaries(TEXTS, VALUES, max_size=3))
def test_clients_get_the_same(data: dict[str, Any]) -> None:
    """Whatever characters and numbers there are."""
    text = _packet(PREPARED, ["diff", encoder_of(PREPARED.server)(data)]).encode()
    assert text.startswith('2/realtime,["diff",')
    text.encode("utf-8", "strict")
    assert repr(json.loads(text.partition(",")[2])) == repr(["diff", json.loads(json.dumps(data))])


def test_events_about_events_are_written_too() -> None:
    """Socket.IO's admin page is told of every event."""
    socketio = _socketio()
    data = encoder_of(socketio.server)({"rows": [1, "é"]})
    text = _packet(socketio, ["event_sent", ["diff", data]]).encode()
    assert json.loads(text.partition(",")[2]) == ["event_sent", ["diff", {"rows": [1, "é"]}]]


class Own(Packet):
    """An application's own format."""


@pytest.mark.parametrize("options", [{"json": json}, {"serializer": Own}], ids=["json", "serializer"])
def test_an_application_s_own_way_is_left_alone(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may write what JSON can't hold."""
    monkeypatch.setattr(Packet, "json", Packet.json)  # Socket.IO keeps it for all servers
    socketio = _socketio(**options)
    made, data = socketio.server.packet_class, {"a": 1}
    assert encoder_of(socketio.server)(data) is data
    assert socketio.server.packet_class is made
