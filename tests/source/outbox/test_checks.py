"""What can't work says so before it is tried, with the words that mend it."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url

from sa_notify.capture.outbox import outbox_relations
from sa_notify.errors import SetupError
from sa_notify.source.connect import listen_connect
from sa_notify.source.outbox import keeper, rotation
from sa_notify.source.outbox.check import RIGHTS
from sa_notify.source.outbox.source import OutboxSource
from tests.protocol import wait_for
from tests.source.announcing import plain
from tests.source.outbox.outboxes import Follower, commit, execute, make_outbox, scalar, slot_counts

#: Every single right, with the kind of what it is on.
_RIGHTS = [
    (right.strip(), kind.strip(), name.strip())
    for rights, kind, names in re.findall(r"GRANT ([^;]+?)\s+ON (SCHEMA|SEQUENCE|)([^;]+?)\s+TO", RIGHTS)
    for right in rights.split(",")
    for name in names.split(",")
]
_KINDS = {"r": "TABLE", "S": "SEQUENCE"}


@pytest.fixture
def role(engine: Engine) -> Iterator[str]:
    """A role without rights; its name needs quotes."""
    name = f'"Reader of {engine.url.database}"'
    execute(engine, f"CREATE ROLE {name} LOGIN")
    yield name
    execute(engine, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def source(engine: Engine, role: str) -> Iterator[OutboxSource]:
    """Connects as that role."""
    own = create_engine(make_url(engine.url).set(username=role.strip('"')))
    source = OutboxSource(listen_connect(own))
    yield source
    source.close()
    own.dispose()


def _refused(source: OutboxSource) -> str:
    with pytest.raises(SetupError) as refused:
        source.open()
    return str(refused.value)


def _granted(role: str) -> str:
    return RIGHTS.format(role=role)


@pytest.mark.parametrize(("right", "kind", "name"), _RIGHTS, ids=lambda part: str(part).split(".")[-1])
def test_each_right_is_needed_and_named(
    outbox: Engine, source: OutboxSource, role: str, right: str, kind: str, name: str
) -> None:
    """Without one of them it is refused; what the error says, run by the owner, is all that lacks."""
    execute(outbox, _granted(role), f"REVOKE {right} ON {kind} {name} FROM {role}")
    mend = _refused(source).partition(" run ")[2]
    assert role in mend
    execute(outbox, mend)
    source.open()


def test_the_rights_are_enough(
    outbox: Engine, source: OutboxSource, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no more than these it keeps, captures what is wanted, reads, and empties."""
    monkeypatch.setattr(rotation, "SLOT_BYTES", 1)
    monkeypatch.setattr(keeper, "ROUND_SECONDS", 0.02)
    execute(outbox, _granted(role), "CREATE TABLE t (id int)")
    follower, writer = Follower(source), plain(outbox)
    follower.open()
    assert source.take(["public.t"]) == {"public.t"}
    for n in range(5):
        commit(writer, n)
        follower.hears(n)
    writer.close()
    follower.until(lambda: sum(slot_counts(outbox)) == 0, "an empty outbox")
    assert scalar(outbox, "SELECT last_value FROM sa_notify.outbox_turn") > 1
    assert len(follower.epochs) == 1


def test_without_an_outbox_it_says_how_to_make_one(engine: Engine) -> None:
    """And what it names is enough."""
    source = OutboxSource(listen_connect(engine))
    assert "alembic upgrade head" in _refused(source)
    make_outbox(engine)
    source.open()
    source.close()


@pytest.mark.parametrize("relation", sorted(outbox_relations()))
def test_each_relation_is_needed_and_named(outbox: Engine, relation: str) -> None:
    """One that is missing is named; the migration makes it again."""
    kind = _KINDS[scalar(outbox, "SELECT relkind FROM pg_class WHERE relname = :name", name=relation)]
    execute(outbox, f"DROP {kind} sa_notify.{relation} CASCADE")
    source = OutboxSource(listen_connect(outbox))
    said = _refused(source)
    assert f"(missing: {relation})" in said
    assert "alembic upgrade head" in said
    make_outbox(outbox)
    source.open()
    source.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("COMMENT ON SCHEMA sa_notify IS 'sa_notify:99'", "newer sa_notify: update the package"),
        ("COMMENT ON SCHEMA sa_notify IS 'sa_notify:0'", "version 1.*alembic upgrade head"),
        ("COMMENT ON SCHEMA sa_notify IS 'somebody else''s'", "not of this package: rename it"),
        ("COMMENT ON SCHEMA sa_notify IS NULL", "not of this package: rename it"),
    ],
)
def test_another_version_is_refused(outbox: Engine, statement: str, said: str) -> None:
    """Older, newer, or nobody's we know: nothing is read that may mean something else."""
    execute(outbox, statement)
    source = OutboxSource(listen_connect(outbox))

    assert re.search(said, _refused(source))


def test_a_foreign_schema_is_left_alone(engine: Engine) -> None:
    """Renamed, as the error asks, it no longer stands in the way."""
    execute(engine, "CREATE SCHEMA sa_notify", "CREATE TABLE sa_notify.theirs (id int)")
    source = OutboxSource(listen_connect(engine))
    assert "rename it" in _refused(source)
    execute(engine, "ALTER SCHEMA sa_notify RENAME TO theirs")
    make_outbox(engine)
    source.open()
    source.close()
    assert scalar(engine, "SELECT count(*) FROM theirs.theirs") == 0


def test_what_is_refused_leaves_nothing_open(outbox: Engine, source: OutboxSource) -> None:
    """Nor does asking again and again."""
    for _ in range(3):
        _refused(source)
    where = "datname = current_database() AND application_name = 'sa_notify'"
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE {where}"
    wait_for(lambda: scalar(outbox, sessions) == 0, "sessions to end")
