"""How fast one core makes changesets of what lies in the outbox."""

import time

from benchmarks.alternate import middle
from sa_notify.source.outbox.order import changesets
from sa_notify.source.outbox.reader import Row

_ROUNDS = 7
_TRANSACTIONS = 200
_PACK_BYTES = 7_800

_VALUES = (
    ',"w":{"owner_id":[7],"title":["a title of some length"],"status":["open","busy"],"priority":[1,2],'
    '"due":["2024-05-01"],"done":[false],"estimate":["12.50"],'
    '"updated_at":["2026-01-01T10:00:00+00:00","2026-01-01T10:00:01+00:00"]}'
)


def table() -> str:
    """Rows of one statement packed to about 8 kB, as the triggers pack them."""
    lines = ["| changes a second into changesets, one core | bytes of a change | |", "|---|---:|---:|"]
    for name, values in (("keys and names of columns", ""), ("all values of eight columns", _VALUES)):
        item = f'{{"o":"u","k":["12345"],"f":["status","priority","updated_at"]{values}}}'
        lines.append(f"| {name} | {len(item)} | {middle([_rate(item) for _ in range(_ROUNDS)]):,.0f} |")
    return "\n".join(lines)


def _rate(item: str) -> float:
    packed = _PACK_BYTES // len(item)
    body = ",".join([item] * packed)
    reads = [[Row(seq, str(seq // 4), 1, "public.items", body) for seq in range(12)]] * _TRANSACTIONS
    began = time.perf_counter()
    portions = (portion for rows in reads for portion in changesets(rows))
    found = sum(len(changes) for portion in portions for _, changes in portion)
    return found / (time.perf_counter() - began)
