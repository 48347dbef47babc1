"""The edit form: each field as a form opened now would render it."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from flask_admin.contrib.sqla.fields import QuerySelectField, QuerySelectMultipleField
from flask_admin.helpers import resolve_ctx
from wtforms import FieldList, FormField

from sa_notify.admin.record.page import RecordPage


class FormPage(RecordPage):
    """The form of a record, its fields bound to the record as it is now.

    Hidden fields are left out: a browser that took over a version counter of the application's own would
    undo what it is there for.
    """

    kind = "edit"

    @classmethod
    def permitted(cls, view: Any) -> bool:
        """``can_edit``."""
        return bool(view.can_edit)

    @property
    def columns(self) -> list[str]:
        """Names of the fields, in order."""
        return [field.name for field in self._fields]

    def values(self) -> dict[str, Any]:
        """Label and HTML by the field's name."""
        resolve_ctx(self._context)  # rules of inline forms look their macros up in it
        _keep_selected(self._fields)
        return {
            field.name: {"label": str(field.label.text), "html": self._html(field)} for field in self._fields
        }

    @cached_property
    def _fields(self) -> list[Any]:
        form = self._arguments["form"]
        return [field for field in form if getattr(field.widget, "input_type", None) != "hidden"]

    def _html(self, field: Any) -> str:
        widget_args = getattr(self._arguments.get("form_opts"), "widget_args", None) or {}
        options = dict(widget_args.get(field.short_name, {}))
        for beside in ("prepend", "append"):
            options.pop(beside, None)
        return str(field(**options))


def _keep_selected(fields: Iterable[Any]) -> None:
    """Leave the selected choices of relations alone.

    The others are not the record's, and reading them would be the whole related table each time.
    """
    for field in fields:
        if isinstance(field, QuerySelectField):
            chosen = field.data if isinstance(field, QuerySelectMultipleField) else [field.data]
            field._object_list = [
                (str(field.get_pk(item)), item) for item in chosen or () if item is not None
            ]
        elif isinstance(field, FormField):
            _keep_selected(field.form)
        elif isinstance(field, FieldList):
            _keep_selected(field.entries)
