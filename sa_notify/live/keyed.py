"""A statement cut down to the rows of some keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, String, and_, any_, cast, exists, func, literal, select, true

from sa_notify.change import Key
from sa_notify.live.listing import RowsPlan


def keyed(statement: Any, rows: RowsPlan, keys: Sequence[Key]) -> Any:
    """The statement's rows of these keys, without LIMIT and OFFSET, in no certain order.

    Its SQL is the same for any number of keys.

    :param rows: the statement's own, of :func:`sa_notify.live.plan.plan_of`.
    :param keys: as changes have them; a key of which there is no row gives none.
    """
    lists = [list(texts) for texts in zip(*keys, strict=True)] or [[] for _ in rows.key]
    arrays = [_array(texts, column) for texts, column in zip(lists, rows.key, strict=True)]
    plain = statement.order_by(None).limit(None).offset(None)
    if len(arrays) == 1:
        return plain.where(rows.key[0] == any_(arrays[0]))
    names = [f"k{n}" for n in range(len(arrays))]
    wanted = func.unnest(*arrays).table_valued(*names, name="sa_notify_keys").render_derived()
    same = and_(true(), *(column == wanted.c[n] for n, column in enumerate(rows.key)))
    return plain.where(exists(select(literal(1)).select_from(wanted).where(same)))


def _array(texts: list[str], column: Any) -> Any:
    return cast(literal(texts, ARRAY(String)), ARRAY(column.type))
