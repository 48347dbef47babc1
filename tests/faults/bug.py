"""One defect, and who finds it."""

from dataclasses import dataclass


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
