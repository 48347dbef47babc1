"""The details page: each column as the view's formatters for details render it."""

from typing import Any

from sa_notify.admin.record.page import RecordPage


class DetailsPage(RecordPage):
    """The table of a record's columns."""

    kind = "details"

    @classmethod
    def permitted(cls, view: Any) -> bool:
        """``can_view_details``."""
        return bool(view.can_view_details)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [column for column, _ in self.labels]

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Columns with their labels, in order."""
        return [(column, str(label)) for column, label in self._arguments["details_columns"]]

    def values(self) -> dict[str, Any]:
        """HTML by column."""
        return self._cells(self._arguments["model"])
