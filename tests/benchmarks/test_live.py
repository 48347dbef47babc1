"""The benchmark of live queries runs to its end, counts what the server ran and judges honestly."""

from pathlib import Path

import pytest

from benchmarks import live
from benchmarks.live_child import Missed
from benchmarks.live_crowd import Lags
from benchmarks.live_frames import text_frames
from benchmarks.live_place import Ran, Statements
from benchmarks.live_report import Line
from benchmarks.live_sizes import Sizes, Storm
from benchmarks.live_storm import Weathered, _line, slope


def test_a_quick_run_prints_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Without sockets and with them: windows are updated, clients are told, statements are counted."""
    live.main(["--quick", "--only", "bulk,fanout"])
    rows = dict(map(_cells, capsys.readouterr().out.splitlines()))
    bulk = rows["2,000 rows updated in one statement, 20 windows: one read a window"]
    assert 0 < float(bulk.split()[0]) <= 1
    assert "all in" in bulk
    assert 0 < float(rows["20 clients on one query: one read a change"]) < 2
    (fanout,) = [rows[goal] for goal in rows if "fan-out" in goal]
    assert "by CPU" in fanout


def _cells(line: str) -> tuple[str, str]:
    """The first two of a table's row."""
    _, goal, measured, *_ = f"{line}|||".split("|")
    return goal.strip(), measured.strip()


def test_what_could_not_be_measured_fails_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A goal whose measurement gave up is a line that says so."""

    def gives_up(place: object, sizes: Sizes) -> list[Line]:
        raise Missed("only 3 of 60 windows were updated after 300 s")

    monkeypatch.setitem(live.MEASURES, "idle", gives_up)
    (line,) = live._lines("idle", object(), Sizes())
    assert (line.measured, line.met) == ("only 3 of 60 windows were updated after 300 s", False)


def test_statements_are_those_of_one_database(tmp_path: Path) -> None:
    """Beginnings and ends of transactions are not counted; a line that is half written waits."""
    log = tmp_path / "postgres.log"
    log.write_text("live_1 LOG:  statement: SELECT before\n")
    statements = Statements(log, "live_1", 0.01)
    with log.open("a") as written:
        written.write("live_1 LOG:  statement: BEGIN ISOLATION LEVEL REPEATABLE READ\n")
        written.write("live_1 LOG:  statement: SELECT items.id \n\tFROM items \n\tWHERE items.id = 1\n")
        written.write("live_2 LOG:  statement: SELECT 2 FROM items\n")
        written.write("live_1 LOG:  execute sa_notify_1: SELECT relname = 'items'\n")
        written.write("live_1 LOG:  checkpoint starting: time\nlive_1 LOG:  statement: ROLLBACK\n")
        written.write("live_1 LOG:  statement: SELECT ha")
    ran = statements.take()
    assert (ran.total, ran.reads) == (2, 1)
    with log.open("a") as written:
        written.write("lf FROM x, LATERAL (SELECT 1 FROM items) y\n")
    ran = statements.settle()
    assert (ran.total, ran.reads) == (1, 1)


@pytest.mark.parametrize("step", [1, 2, 7, 1000, 200_000])
def test_frames_are_whole_however_they_arrive(step: int) -> None:
    """Short and long texts come through, cut anywhere; pings are passed over, a close ends it."""
    texts = [b"2", b"x" * 125, b"y" * 126, b"z" * 70_000]
    sizes = [b"\x01", b"\x7d", b"\x7e\x00\x7e", b"\x7f" + (70_000).to_bytes(8)]
    sent = b"\x89\x00".join(b"\x81" + size + text for size, text in zip(sizes, texts, strict=True))
    sent += b"\x88\x02\x03\xe8\x81\x01?"

    class Arriving:
        def __init__(self) -> None:
            self.at = 0

        def recv(self, size: int) -> bytes:
            begun, self.at = self.at, self.at + min(step, size)
            return sent[begun : self.at]

    assert list(text_frames(Arriving())) == texts


def test_growing_lag_is_told_from_noise() -> None:
    """A worker that does a hundredth too little fails; one whose lag goes up and down does not."""
    noise = [(float(second), 0.1 + 0.01 * (second % 3)) for second in range(60)]
    assert abs(slope(noise)) < 0.001
    assert slope([(second, lag + 0.01 * second) for second, lag in noise]) == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize(
    ("changes", "statements", "lost", "met"),
    [(6000, 600, 0, True), (5000, 500, 0, False), (6000, 601, 0, False), (6000, 600, 1, False)],
)
def test_a_storm_is_weathered_by_all(changes: int, statements: int, lost: int, met: bool) -> None:
    """The rate must be reached, with few statements, and nobody be cut off."""
    lags = Lags([(float(second), 0.1) for second in range(60)], 0.1, 0.2, 0.3, 600.0, lost, 0.5)
    found = Weathered(changes, Ran(["SELECT 1"] * statements), lags)
    assert _line("", Storm(10, 1, 100), 60, found).met is met


def test_a_storm_that_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message shows what to write."""
    with pytest.raises(SystemExit):
        live.main(["--storms", "500@2000"])
    assert "'500@2000' is not CLIENTSxWORKERS@CHANGES, such as 500x1@2000" in capsys.readouterr().err
