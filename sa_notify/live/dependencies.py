"""What a statement reads, found by compiling it: whatever is rendered is seen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Date, DateTime, Interval, TableClause, Time
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from sa_notify.live.functions import BARE, CLOCK_WORDS, PURE, RESTLESS

_PLAIN_SQL = re.compile(r"\*|-?\d+(\.\d+)?|'[^'\\]*'|[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")
_SYMBOL = re.compile(r"[-+*/<>=~!@#%^&|`?]+")
_WORDS = frozenset(
    "and or in not like ilike similar to is distinct from collate at time zone overlaps between symmetric".split()
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a statement reads.

    :param tables: every table it names, views included.
    :param doubts: why its result may change without a change of these tables, each with the mend.
    :param sql: the statement as PostgreSQL gets it.
    :param params: its bound values, by name.
    """

    tables: frozenset[TableClause]
    doubts: tuple[str, ...] = ()
    sql: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def dependencies(statement: Any, dialect: Dialect) -> Dependencies:
    """What ``statement`` reads when ``dialect`` compiles it.

    Joins, aliases, subqueries, CTEs, inheritance and the expressions behind column properties and
    hybrids are all seen, because they all are rendered.
    """
    compiler: Any = type("RecordingCompiler", (_Recorder, dialect.statement_compiler), {})
    compiled = compiler(dialect, statement)
    return Dependencies(
        frozenset(compiled.tables), tuple(sorted(compiled.doubts)), str(compiled), dict(compiled.params)
    )


class _Recorder(SQLCompiler):
    """Notes what it renders."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.tables: set[TableClause] = set()
        self.doubts: set[str] = set()
        super().__init__(*args, **kwargs)

    def visit_table(self, table: Any, *args: Any, **kwargs: Any) -> Any:
        self.tables.add(table)
        return super().visit_table(table, *args, **kwargs)

    def visit_function(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        name = str(func.name).lower()
        packages = [str(part).lower() for part in func.packagenames]
        if name in RESTLESS:
            self.doubts.add(f"{name}() depends on the clock or on chance: pass the value as a parameter")
        elif name not in PURE or packages not in ([], ["pg_catalog"]):
            self.doubts.add(
                f"what {'.'.join([*packages, name])}() depends on is not known: compute it in the SELECT itself"
            )
        return super().visit_function(func, *args, **kwargs)

    def visit_column(self, column: Any, *args: Any, **kwargs: Any) -> Any:
        if column.is_literal and not _is_plain(str(column.name)):
            self._text()
        return super().visit_column(column, *args, **kwargs)

    def visit_textclause(self, *args: Any, **kwargs: Any) -> Any:
        self._text()
        return super().visit_textclause(*args, **kwargs)

    def visit_textual_select(self, *args: Any, **kwargs: Any) -> Any:
        self._text()
        return super().visit_textual_select(*args, **kwargs)

    def visit_tstring(self, *args: Any, **kwargs: Any) -> Any:
        self._text()
        return super().visit_tstring(*args, **kwargs)

    def visit_custom_op_binary(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        self._operator(operator.opstring)
        return super().visit_custom_op_binary(element, operator, **kwargs)

    def visit_custom_op_unary_operator(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        self._operator(operator.opstring)
        return super().visit_custom_op_unary_operator(element, operator, **kwargs)

    def visit_custom_op_unary_modifier(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        self._operator(operator.opstring)
        return super().visit_custom_op_unary_modifier(element, operator, **kwargs)

    def visit_bindparam(self, bindparam: Any, *args: Any, **kwargs: Any) -> Any:
        value = bindparam.effective_value
        timed = isinstance(bindparam.type, (Date, DateTime, Time, Interval))
        if timed and isinstance(value, str) and value.strip().lower() in CLOCK_WORDS:
            self.doubts.add(f"{value.strip()!r} is read by the clock: pass the date itself")
        return super().visit_bindparam(bindparam, *args, **kwargs)

    def visit_tablesample(self, *args: Any, **kwargs: Any) -> Any:
        self.doubts.add("TABLESAMPLE depends on chance: filter by a column instead")
        return super().visit_tablesample(*args, **kwargs)

    def visit_sequence(self, *args: Any, **kwargs: Any) -> Any:
        self.doubts.add("a sequence moves without a change of any row: leave it out")
        return super().visit_sequence(*args, **kwargs)

    def _text(self) -> None:
        self.doubts.add("SQL written as text hides what it reads: write it with SQLAlchemy's constructs")

    def _operator(self, text: str) -> None:
        known = all(_SYMBOL.fullmatch(word) or word in _WORDS for word in text.lower().split())
        if not known:
            self.doubts.add(f"what the operator {text} depends on is not known: use one of PostgreSQL's own")


def _is_plain(text: str) -> bool:
    return bool(_PLAIN_SQL.fullmatch(text)) and text.lower() not in BARE
