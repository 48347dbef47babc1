"""A sink that puts changes into a stream of Redis, for other services: ``redis-stream``."""

import json
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from sa_notify.change import ChangeSet, dump_changeset
from sa_notify.errors import SetupError
from sa_notify.redis.keys import Keys
from sa_notify.redis.scripts import FENCED, Scripts
from sa_notify.sink.base import Context

_OPTIONS: Final = {"name", "tables", "maxlen"}
#: Entries that one script gets at most.
AT_ONCE: Final = 500


class RedisStream:
    """Appends an entry for each changeset, and one for each epoch.

    Fields of an entry: ``t``, ``changes`` or ``epoch``, and ``d``: JSON, the changeset as
    :func:`sa_notify.change.dump_changeset` writes it, or ``{"epoch": ...}``, which says that changes may have
    been missed before it. A dispatcher that leads no longer can append nothing.

    Options: ``name`` of the stream, under the prefix (``changes``); ``tables``, separated by commas (all);
    ``maxlen``, about how many entries are kept (100,000).

    :raises SetupError: for an option that is none of these, or without Redis.
    """

    def __init__(self, context: Context) -> None:
        if unknown := context.options.keys() - _OPTIONS:
            raise SetupError(
                f"redis-stream has no option {min(unknown)!r}: it takes {', '.join(sorted(_OPTIONS))}"
            )
        if context.connect_redis is None:
            raise SetupError("redis-stream needs the dispatcher's Redis: give --redis")
        tables = context.options.get("tables")
        self.tables = frozenset(tables.split(",")) if tables else None
        self._maxlen = _whole(context.options.get("maxlen", "100000"))
        self._term = str(context.term)
        self._keys = Keys(context.prefix)
        self._stream = self._keys.stream(context.options.get("name", "changes"))
        self._client: Any = context.connect_redis()
        self._scripts = Scripts(self._client)

    def begin_epoch(self, epoch: str) -> None:
        self._append(["epoch", json.dumps({"epoch": epoch})])

    def receive(self, changesets: Sequence[ChangeSet]) -> None:
        for first in range(0, len(changesets), AT_ONCE):
            piece = changesets[first : first + AT_ONCE]
            self._append([text for each in piece for text in ("changes", dump_changeset(each))])

    def close(self) -> None:
        self._client.close()

    def _append(self, entries: list[str]) -> None:
        names = [self._keys.term, self._stream]
        try:
            self._scripts.run("append", names, [self._term, self._maxlen, *entries])
        except ResponseError as error:
            if FENCED not in str(error):
                raise


def _whole(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise SetupError(f"maxlen={text} can't be: give a whole number of entries")
    return int(text)
