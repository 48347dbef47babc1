"""What one thread puts another takes: all of it, in order, and then the reason why no more comes."""

import pytest

from sa_notify.change import Change, ChangeSet
from sa_notify.errors import SourceLost
from sa_notify.source import mailbox as mailbox_module
from sa_notify.source.mailbox import Mailbox


def _changesets(*positions: int) -> list[ChangeSet]:
    return [ChangeSet("e", n, n, (Change("public.a", "bulk"),)) for n in positions]


def test_what_was_put_before_a_failure_is_taken_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is taken at a time, too; the first failure counts, and it stays."""
    monkeypatch.setattr(mailbox_module, "AT_ONCE", 2)
    mailbox = Mailbox()
    mailbox.put(_changesets(1, 2, 3))
    mailbox.fail(SourceLost("first"))
    mailbox.fail(SourceLost("second"))
    assert [each.position for each in mailbox.take()] == [1, 2]
    assert [each.position for each in mailbox.take()] == [3]
    for _ in range(2):
        with pytest.raises(SourceLost, match="first"):
            mailbox.take()
    mailbox.close()
