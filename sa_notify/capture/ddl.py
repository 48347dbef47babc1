"""The statements that install, change and remove a table's capture."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from sa_notify.capture.names import function_name, qualified, qualified_text
from sa_notify.capture.render import render_function
from sa_notify.capture.spec import TriggerParams
from sa_notify.capture.template import blocks, fill


class Generated(ExecutableDDLElement):
    """One statement, sent as it is; it holds nothing that a driver or ``text()`` would interpret."""

    inherit_cache = False

    def __init__(self, sql: str) -> None:
        self.sql = sql


@compiles(Generated)
def _compile_generated(element: Generated, _compiler: Any, **_options: Any) -> str:
    return element.sql


@dataclass(frozen=True, slots=True)
class Target:
    """A table, as migrations name it: without a schema, ``search_path`` finds it."""

    schema: str | None
    table: str

    @property
    def function(self) -> str:
        return function_name(self.table)

    def __str__(self) -> str:
        return self.table if self.schema is None else f"{self.schema}.{self.table}"


def install(target: Target, params: TriggerParams) -> Iterator[Generated]:
    """Make the table's function and those of its triggers that are missing or not as they should be.

    Where the triggers stand already, no lock on the table is taken; disabled ones stay disabled.
    """
    pieces, names = blocks("install"), _names(target)
    always = str(params.always).lower()
    yield Generated(fill(pieces["prepare"], always=always, **names))
    yield from _function(target, params)
    yield Generated(fill(pieces["shells"], always=always, **names))


def remove(target: Target) -> Iterator[Generated]:
    """Drop the table's triggers and function, as far as they are there and ours."""
    yield Generated(fill(blocks("install")["remove"], **_names(target)))


def _function(target: Target, params: TriggerParams) -> Iterator[Generated]:
    pieces, function = blocks("install"), qualified(target.schema, target.function)
    sql = render_function(function, params)
    if target.schema is None:
        definition = sql.removeprefix("CREATE OR REPLACE FUNCTION ")
        yield Generated(fill(pieces["beside_its_table"], definition=definition, **_names(target)))
    else:
        yield Generated(sql)
        yield Generated(fill(pieces["for_its_owner"], function=function))


def _names(target: Target) -> dict[str, str]:
    return {
        "relation": qualified_text(target.schema, target.table),
        "handler": qualified_text(target.schema, target.function, "()"),
        "function_name": target.function,
    }
