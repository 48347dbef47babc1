"""What stands in PostgreSQL: generated triggers, and reading them back from the catalog."""

from sa_notify.capture.coverage import Coverage, TableKey, coverage
from sa_notify.capture.spec import TriggerParams, TriggerSpec, spec_for, specs

__all__ = ["Coverage", "TableKey", "TriggerParams", "TriggerSpec", "coverage", "spec_for", "specs"]
