"""The defects that ``make seeded-bugs`` puts into the service; each names the checks that are to find it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Bug:
    """One defect.

    :param old: stands once in the file.
    :param checks: tests by their node id; or ``faults:NAME``, a run of the fault lane with that fault alone,
        or ``oracle``, three batches of the oracle lane.
    """

    name: str
    file: str
    old: str
    new: str
    checks: tuple[str, ...]


_LOSSES, _ROUTING = "tests/service/test_losses.py", "tests/service/test_routing.py"
_PROOFS, _WORKERS = "tests/service/test_proofs.py", "tests/security/test_workers.py"
_OUTBOX, _SCRIPTS = "tests/source/outbox", "tests/service/test_scripts.py"

BUGS: Final = [
    Bug(
        "a gap in a worker's feed is no loss",
        "sa_notify/source/service/feed.py",
        "if number != self.number + 1:",
        "if number < self.number:",
        (f"{_LOSSES}::test_a_gap_is_a_loss",),
    ),
    Bug(
        "a worker goes on when the dispatcher has lost its feed",
        "sa_notify/source/service/feed.py",
        'raise SourceLost("the dispatcher has lost its feed")',
        "pass",
        ("faults:leader - PostgreSQL is reset", f"{_LOSSES}::test_a_database_that_is_lost_is_a_loss"),
    ),
    Bug(
        "a beat proves the moment in which it arrives",
        "sa_notify/source/service/following.py",
        "while self._ticks and self._ticks[0][1] < tick:\n"
        "                self.proven_at = self._ticks.popleft()[0]",
        "self.proven_at = time.monotonic()",
        (f"{_PROOFS}::test_a_beat_that_was_held_back_proves_nothing",),
    ),
    Bug(
        "a proof is claimed while changes that it covers wait for Redis",
        "sa_notify/service/publisher.py",
        "if self.position >= self._received:\n            self._prove(at)",
        "if True:\n            self._prove(at)",
        (f"{_PROOFS}::test_a_tick_is_claimed_when_what_came_before_it_is_told",),
    ),
    Bug(
        "workers are not told that the dispatcher begins anew",
        "sa_notify/service/publisher.py",
        'await self.tell("lost", {})',
        "pass",
        ("faults:leader - PostgreSQL is reset", f"{_LOSSES}::test_a_database_that_is_lost_is_a_loss"),
    ),
    Bug(
        "what waits for Redis is told in the wrong order",
        "sa_notify/service/publisher.py",
        "taken.append(self._queue.popleft())",
        "taken.append(self._queue.pop())",
        (f"{_ROUTING}::test_everything_of_a_long_backlog_comes_in_order", f"{_ROUTING}"),
    ),
    Bug(
        "a dispatcher that leads no longer is heard",
        "sa_notify/redis/lua/tell.lua",
        "if ARGV[1] ~= '' and (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then",
        "if false then",
        (f"{_LOSSES}::test_a_fenced_publisher_says_so",),
    ),
    Bug(
        "who wants single rows is not told of what concerns all",
        "sa_notify/redis/lua/publish.lua",
        "if #rows[t] < count then",
        "if false then",
        (f"{_ROUTING}::test_rows_alone_can_be_wanted",),
    ),
    Bug(
        "what a worker has in Redis dies while it lives",
        "sa_notify/redis/lua/renew.lua",
        "for n = 3, #KEYS do\n  redis.call('PEXPIRE', KEYS[n], ARGV[3])\nend",
        "",
        (f"{_LOSSES}::test_everything_of_a_living_worker_lives",),
    ),
    Bug(
        "a leader that hangs is never replaced",
        "sa_notify/service/leadership.py",
        "elif now - self._silent_since > SILENT_SECONDS:",
        "elif now - self._silent_since > 1e9:",
        ("tests/service/test_takeover.py::test_a_leader_that_hangs_is_replaced_and_stops_itself",),
    ),
    Bug(
        "a new epoch leaves windows as they are",
        "sa_notify/live/hub.py",
        "return self._suspect(now, before)",
        "return []",
        ("tests/live/test_hub.py", "faults:listening sessions are killed"),
    ),
    Bug(
        "what comes while a window is read is forgotten",
        "sa_notify/live/noting.py",
        "note(live, xid, known)",
        "continue",
        ("tests/live/test_journal.py", "oracle"),
    ),
    Bug(
        "a read is believed to have seen transactions that were running",
        "sa_notify/live/snapshot.py",
        "return xid < self.xmax and (xid < self.xmin or xid not in self.running)",
        "return xid < self.xmax",
        ("tests/live/test_snapshot.py", "oracle"),
    ),
    Bug(
        "tables are read before they are captured",
        "sa_notify/live/hub.py",
        "return [] if self._asking.holds(live) else self._begin_read(live, now)",
        "return self._begin_read(live, now)",
        ("tests/live/test_hub_gates.py", "tests/web/test_outbox.py"),
    ),
    Bug(
        "what is not proven is called live",
        "sa_notify/web/runner.py",
        "return {sid: sound and sid not in overdue for sid in self._hub.subscriptions.clients()}",
        "return dict.fromkeys(self._hub.subscriptions.clients(), True)",
        ("faults:leader - PostgreSQL hangs",),
    ),
    Bug(
        "a proof is told before what came with it",
        "sa_notify/dispatch/feed.py",
        "        age = self._source.age\n        yield from self._drain()\n",
        "        age = self._source.age\n",
        ("tests/dispatch/test_feed.py",),
    ),
    Bug(
        "windows that are wrong are taken for right",
        "sa_notify/live/proof.py",
        "    if window.total != reading.total:\n        return False\n",
        "    return True\n",
        ("tests/live/test_proof.py",),
    ),
    Bug(
        "what waits for a client has no bound",
        "sa_notify/web/backlog.py",
        "return len(waiting) > MOST_PACKETS or sum(map(_characters, waiting)) > MOST_CHARACTERS",
        "return False",
        ("tests/web/test_backlog.py::test_a_client_that_is_late_gets_a_snapshot_instead_of_what_it_missed",),
    ),
    Bug(
        "a client that reads nothing is kept for ever",
        "sa_notify/web/runner.py",
        "elif self._now() - since > PATIENCE_SECONDS:",
        "elif self._now() - since > 1e9:",
        ("tests/web/test_backlog.py::test_a_client_that_never_reads_is_cut_off",),
    ),
    Bug(
        "other workers are not told whose access ends",
        "sa_notify/source/service/worker.py",
        'self._scripts.run("tell", names, ["", self._keys.base, FEED_ENTRIES, "revoke", told])',
        "assert names",
        (f"{_WORKERS}::test_who_is_refused_is_closed_by_every_worker",),
    ),
    Bug(
        "a logout ends nothing",
        "sa_notify/web/logouts.py",
        "user_logged_out.connect(left, app, weak=False)",
        "assert left",
        (f"{_WORKERS}::test_a_logout_ends_what_every_worker_sends",),
    ),
    Bug(
        "what strangers whisper is believed",
        "sa_notify/web/whispers.py",
        "if not hmac.compare_digest(signature.encode(), self._digest(words).encode()):",
        "if not signature:",
        ("tests/security/test_whispers.py::test_strangers_mean_nothing",),
    ),
    Bug(
        "what a message holds is logged",
        "sa_notify/web/failures.py",
        'logger.error("live query %s failed: %s\\n%s", name, type(error).__name__, _where(error))',
        'logger.error("live query %s failed", name, exc_info=error)',
        (f"{_WORKERS}::test_nobody_gets_what_is_not_theirs",),
    ),
    Bug(
        "clients that left are listed",
        "sa_notify/web/presence.py",
        "self._present({sid: None})",
        "pass",
        (f"{_WORKERS}::test_a_logout_ends_what_every_worker_sends",),
    ),
    Bug(
        "a reader skips what was running when it read before",
        "sa_notify/source/outbox/reader.py",
        "FROM sa_notify.outbox_{slot} o WHERE o.xid = ANY ($2)\n",
        "FROM sa_notify.outbox_{slot} o WHERE o.xid = ANY ($2) AND false\n",
        (f"{_OUTBOX}/test_completeness.py::test_nothing_is_skipped_doubled_or_swapped", "oracle"),
    ),
    Bug(
        "the outbox is emptied before everybody has read it",
        "sa_notify/source/outbox/pruning.py",
        "            if not late:\n",
        "            if True:\n",
        (f"{_OUTBOX}/test_pruning.py",),
    ),
    Bug(
        "a reader falls asleep without a last look",
        "sa_notify/source/outbox/pump.py",
        "        if self._read(now, NOTHING):\n",
        "        if False:\n",
        (f"{_OUTBOX}/test_doorbell.py::test_what_is_committed_while_it_falls_asleep_is_heard",),
    ),
    Bug(
        "writers are to ring though the queue of notifications is full",
        "sa_notify/source/outbox/pump.py",
        "self._pace.hush(full)",
        "self._pace.hush(False)",
        (f"{_OUTBOX}/test_full_queue.py",),
    ),
    Bug(
        "notes are read by nobody",
        "sa_notify/source/outbox/pump.py",
        "self._notes = Notes(session) if ear is None else None",
        "self._notes = None",
        ("tests/security/test_whispers.py::test_a_logout_reaches_the_other_process",),
    ),
    Bug(
        "a standby ends those who follow",
        "sa_notify/source/listening.py",
        'raise SourceLost(\n            "PostgreSQL answers as a standby',
        'raise SetupError(\n            "PostgreSQL answers as a standby',
        ("faults:a standby takes over", "tests/source/test_notify.py::test_refuses_a_standby"),
    ),
    Bug(
        "nobody is told of a window that was wrong",
        "sa_notify/live/hub.py",
        "[Diverged(name) for name in self._proofs.wrong(self._proven_at)]",
        "[]",
        ("tests/live/test_proof.py", "faults:writes that no trigger sees"),
    ),
    Bug(
        "a table is said to be captured while a writer holds it",
        "sa_notify/source/outbox/gates.py",
        "(oid, oid is None or oid in self._held)",
        "(oid, True)",
        (f"{_OUTBOX}/test_gates.py",),
    ),
    Bug(
        "a dispatcher that leads no longer publishes",
        "sa_notify/redis/lua/publish.lua",
        "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then",
        "if false then",
        (f"{_SCRIPTS}::test_who_leads_no_longer_writes_nothing",),
    ),
    Bug(
        "who resigns takes the next leader's word away",
        "sa_notify/redis/lua/resign.lua",
        "if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then",
        "if true then",
        (f"{_SCRIPTS}::test_who_leads_no_longer_ends_nobodys_leadership",),
    ),
    Bug(
        "feeds have no bound",
        "sa_notify/redis/lua/publish.lua",
        "'MAXLEN', '~', ARGV[3], '*',\n      'n', number, 't', 'changes'",
        "'*',\n      'n', number, 't', 'changes'",
        (f"{_SCRIPTS}::test_what_nobody_reads_is_bounded",),
    ),
    Bug(
        "of thousands of rows some are not wanted",
        "sa_notify/redis/lua/want.lua",
        "for n = 3, #ARGV, 1000 do",
        "for n = 3, #ARGV, 1001 do",
        (f"{_SCRIPTS}::test_thousands_of_rows_are_wanted_and_told",),
    ),
    Bug(
        "what is wanted by row is not captured",
        "sa_notify/redis/lua/wanted.lua",
        "{'want:', 'partly:', 'tally:'}",
        "{'want:', 'tally:'}",
        (f"{_SCRIPTS}::test_tables_of_every_kind_of_want_are_wanted",),
    ),
    Bug(
        "a worker that can't be told keeps others from being told",
        "sa_notify/redis/lua/tally.lua",
        "< 3 or not pcall(tell, worker) then",
        "< 3 or not (tell(worker) or true) then",
        (f"{_SCRIPTS}::test_one_that_can_not_be_told_keeps_nobody_from_being_told",),
    ),
    Bug(
        "a dispatcher that follows nothing is followed",
        "sa_notify/source/service/worker.py",
        'if leader.get("epoch") is None:',
        "if False:",
        (f"{_SCRIPTS}::test_who_leads_but_follows_nothing_is_not_followed",),
    ),
    Bug(
        "changes of an epoch that is over are published",
        "sa_notify/service/publisher.py",
        "        self._queue.clear()\n",
        "",
        (f"{_SCRIPTS}::test_changes_of_an_epoch_that_is_over_are_not_published",),
    ),
    Bug(
        "a leader whose session has ended leads on",
        "sa_notify/service/leadership.py",
        "raise LeadershipLost(first_line(error)) from error",
        "pass",
        ("tests/service/test_leadership.py::test_a_leader_whose_session_ends_stops",),
    ),
    Bug(
        "a leader that nobody hears leads on",
        "sa_notify/service/service.py",
        "if time.monotonic() > trusted_until:",
        "if False:",
        ("tests/service/test_leadership.py::test_a_leader_that_nobody_hears_stops",),
    ),
    Bug(
        "a revocation that can't be told is forgotten",
        "sa_notify/source/service/following.py",
        "worker.revoke(first := self._to_revoke[0])",
        "worker.revoke(first := self._to_revoke.popleft())",
        (f"{_ROUTING}::test_a_revocation_that_could_not_be_told_is_told_later",),
    ),
    Bug(
        "what came before a failure is lost with it",
        "sa_notify/source/mailbox.py",
        "if failure is not None and not taken:",
        "if failure is not None:",
        ("tests/source/test_mailbox.py",),
    ),
    Bug(
        "a question that nobody answers is not asked again",
        "sa_notify/web/runner.py",
        "            self._runtime.later(RETAKE_SECONDS, self._take, action)\n",
        "",
        ("tests/web/test_runner.py",),
    ),
]
