"""What a run found, for people."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Report:
    """What a run found."""

    seed: int
    revision: str
    delivery: str
    seconds: float = 0
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    violations: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """In Markdown."""
        told = [
            f"Seed {self.seed}, commit {self.revision}, delivery {self.delivery}, {self.seconds:.0f} s.",
            "",
        ]
        told += [f"- {name}: {value}" for name, value in self.facts.items()]
        told.append(f"- violations: {len(self.violations)}")
        counted = Counter(self.violations).most_common(50)
        told += [*(f"  - {each} ({times} times)" for each, times in counted), ""]
        told += ["| fault | times | recovery, median | worst |", "|---|---|---|---|"]
        for name, found in sorted(self.recoveries.items()):
            told.append(f"| {name} | {len(found)} | {median(found):.1f} s | {max(found):.1f} s |")
        return told
