"""Applications whose changes travel by one delivery or the other, whatever their models say."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import MetaData

from sa_notify.capture.spec import record, specs

DELIVERIES = ("notify", "outbox")


@contextmanager
def delivered(metadata: MetaData, delivery: str, *tables: str) -> Iterator[None]:
    """While the block lasts, create the metadata's tables as if SA_NOTIFY_DELIVERY had named ``delivery``.

    :param tables: only these; all of them when none is named.
    """
    before = {key: spec for key, spec in specs(metadata).items() if key in tables or not tables}
    for key, spec in before.items():
        carry = "all" if delivery == "outbox" else ()
        record(metadata.tables[key], replace(spec, delivery=delivery, carry=carry))
    try:
        yield
    finally:
        for key, spec in before.items():
            record(metadata.tables[key], spec)
