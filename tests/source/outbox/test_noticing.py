"""Each single sign of a loss is noticed by the very next statement, whatever the others say."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine

from sa_notify.errors import SourceLost
from sa_notify.source.outbox.keys import KEEPER
from sa_notify.source.outbox.reader import Reader
from sa_notify.source.outbox.registration import Registration, current_term
from sa_notify.source.outbox.session import Session
from tests.protocol import wait_for
from tests.source.outbox.outboxes import commit, execute

_TERM = "00000000-0000-4000-8000-000000000000"
_OLD = "SET beat = clock_timestamp() - interval '11 s'"

SIGNS = {
    "no registration": "DELETE FROM sa_notify.outbox_reader",
    "an old registration": f"UPDATE sa_notify.outbox_reader {_OLD}",
    "no term": "DELETE FROM sa_notify.outbox_term",
    "an old term": f"UPDATE sa_notify.outbox_term {_OLD}",
    "another term": "UPDATE sa_notify.outbox_term SET term = gen_random_uuid()",
}


class Reading(NamedTuple):
    reader: Reader
    registration: Registration
    session: Session
    keeper: Connection


@pytest.fixture(params=[False, True], ids=["prepared", "pooled"])
def reading(
    request: pytest.FixtureRequest, outbox: Engine, connections: Callable[[], Connection]
) -> Iterator[Reading]:
    """A reader, and a keeper that is no more than a lock and a term."""
    keeper, connection = connections(), connections()
    keeper.autocommit = connection.autocommit = True
    with keeper.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (KEEPER,))
    execute(outbox, f"INSERT INTO sa_notify.outbox_term VALUES ('{_TERM}', clock_timestamp(), 0)")
    session = Session(connection, pooled=request.param)
    registration = Registration(session)
    since = registration.begin()
    reader = Reader(
        session, pooled=request.param, reader_id=registration.id, term=_TERM, since=since, codec="utf-8"
    )
    yield Reading(reader, registration, session, keeper)


def test_without_a_sign_it_reads(reading: Reading, writer: Connection) -> None:
    """So the others show what they are meant to."""
    commit(writer, "a")

    assert [row.relation for row in reading.reader.read()] == ["public.t"]
    assert reading.reader.read() == []
    reading.registration.beat(reading.reader.processed, ())


@pytest.mark.parametrize("sign", SIGNS)
def test_a_read_notices(reading: Reading, outbox: Engine, writer: Connection, sign: str) -> None:
    """What was read together with the sign is not handed over."""
    execute(outbox, SIGNS[sign])
    commit(writer, "a")

    with pytest.raises(SourceLost):
        reading.reader.read()


def test_a_read_notices_that_nobody_keeps(reading: Reading) -> None:
    """At once, although the term of who is gone is still young."""
    reading.keeper.close()

    def lost() -> bool:
        # its backend ends in a moment
        try:
            reading.reader.read()
        except SourceLost:
            return True
        return False

    wait_for(lost, "the loss")


@pytest.mark.parametrize("sign", ["no registration", "an old registration"])
def test_a_sign_of_life_notices(reading: Reading, outbox: Engine, sign: str) -> None:
    """Who is too late is not alive again."""
    execute(outbox, SIGNS[sign])
    with pytest.raises(SourceLost):
        reading.registration.beat(reading.reader.processed, ())


@pytest.mark.parametrize(
    ("sign", "term"), [("no term", None), ("an old term", None), ("another term", "other")]
)
def test_who_opens_trusts_a_young_term(reading: Reading, outbox: Engine, sign: str, term: str | None) -> None:
    """And no other."""
    assert current_term(reading.session) == _TERM
    execute(outbox, SIGNS[sign])
    found = current_term(reading.session)

    assert (found is None) == (term is None)
    assert found != _TERM
