"""A changed row before and after, as predicates read it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sa_notify.change import Change

#: Values by the stored names of columns; ``None`` where there is no such row.
Image = Mapping[str, Any] | None


def images(change: Change, key: Sequence[str]) -> tuple[Image, Image]:
    """The row's values before and after: what is carried, and its key.

    A change can concern a statement only if the row may have counted before or may count after. A name that
    is missing is a value that is not known.

    :param change: of one row, so none of a whole table.
    :param key: stored names of the columns of the table's primary key, in the key's order.
    """
    named = dict(zip(key, change.key, strict=True)) if change.key is not None else {}
    old = None if change.op == "insert" else {name: pair[0] for name, pair in change.values.items()}
    new = None if change.op == "delete" else {name: pair[1] for name, pair in change.values.items()}
    return (None if old is None else {**old, **named}), (None if new is None else {**new, **named})
