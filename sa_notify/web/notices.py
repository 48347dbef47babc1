"""What the log says of live queries, each of it once."""

import logging

from sa_notify import metrics
from sa_notify.live import actions as act

logger = logging.getLogger(__name__)


class Notices:
    """Of one process."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, tuple[str, ...]]] = set()

    def warn(self, action: act.Warn) -> None:
        """A query goes by the clock, and why."""
        if (action.name, action.doubts) not in self._warned:
            self._warned.add((action.name, action.doubts))
            reasons = "; ".join(action.doubts)
            logger.warning("live query %s is read every %s s: %s", action.name, action.refresh, reasons)

    @staticmethod
    def diverged(action: act.Diverged) -> None:
        """A window was wrong."""
        metrics.DIVERGENCE.labels(action.name).inc()
        logger.error(
            "live query %s was wrong, and is right again: rows changed and no trigger told of it; `sa-notify "
            "check` shows missing triggers, `always=True` is for writes of replication",
            action.name,
        )
