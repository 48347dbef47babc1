"""What was measured, and the ratios that tables and goals are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.alternate import middle, ratios


@dataclass(frozen=True, slots=True)
class Sample:
    """One workload of one variant in one round.

    :param seconds: of one transaction; with several clients, of the whole server.
    :param wal: bytes of WAL for each changed row.
    :param messages: NOTIFY messages of one transaction.
    :param size: bytes of their payloads.
    """

    seconds: float
    wal: float
    messages: float
    size: float


class Results:
    """All samples: of each variant, for each round, by workload."""

    def __init__(self, found: Mapping[str, Sequence[Mapping[str, Sample]]]) -> None:
        self._found = found

    @property
    def variants(self) -> list[str]:
        return list(self._found)

    def seconds(self, variant: str, workload: str) -> list[float]:
        """One figure for each round."""
        return [samples[workload].seconds for samples in self._found[variant]]

    def times(self, variant: str, base: str, workload: str) -> float:
        """The median, over rounds, of the variant's time as a multiple of the base's in the same round."""
        return middle(self.each(variant, base, workload))

    def each(self, variant: str, base: str, workload: str) -> list[float]:
        return ratios(self.seconds(variant, workload), self.seconds(base, workload))

    def figure(self, variant: str, workload: str, name: str) -> float:
        """The median of another of a sample's figures."""
        return middle([getattr(samples[workload], name) for samples in self._found[variant]])
