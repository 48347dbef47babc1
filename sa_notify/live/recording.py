"""A statement compiler that notes what it renders."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnClause, ColumnElement, TableClause
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.compiler import SQLCompiler

from sa_notify.capture.names import stored
from sa_notify.live.clocked import is_moment, may_be_text
from sa_notify.live.excluded import is_excluded
from sa_notify.live.functions import (
    CLOCK_TEXT,
    CONVERTING,
    MOMENT_TYPES,
    OPERATORS,
    PURE,
    REASONS,
    SAMPLING,
    TEXT,
    UNKNOWN,
    clock_word,
    setting_doubt,
)
from sa_notify.live.settled import (
    may_be_moment,
    settled_as_selected,
    settled_by_binary,
    settled_by_case,
    settled_by_cast,
    settled_by_function,
)
from sa_notify.live.words import Name, folded

_PLAIN_TEXT = re.compile(
    r"""\*|-?\d+(\.\d+)?|'[^'\\]*'|(("[^"]+"|[A-Za-z_]\w*)\.)*(?P<name>"[^"]+"|[A-Za-z_]\w*)"""
    r"""(\s+(asc|desc))?(\s+nulls\s+(first|last))?""",
    re.IGNORECASE,
)


def recording(dialect: Dialect) -> Any:
    """The dialect's statement compiler, whose instances have what :class:`_Recorder` notes."""
    compiler: Any = dialect.statement_compiler
    return _recording(compiler)


@lru_cache
def _recording(compiler: Any) -> Any:
    return type("RecordingCompiler", (_Recorder, compiler), {})


# SQLAlchemy's own visit methods have no annotations
_Compiler: Any = SQLCompiler


class _Recorder(_Compiler):  # type: ignore[misc]
    """Notes tables, and whatever else a result may depend on.

    ``askable`` are doubts that PostgreSQL may take away: what ``texts`` and ``calls`` lead to.
    ``names`` are written as text, so that PostgreSQL alone knows in which table they are columns; ``*`` is
    each table's whole row.
    """

    def __init__(self, *args: Any, settings: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        self._settings = settings
        self.askable: set[str] = set()
        self.texts: set[str] = set()
        self.calls: set[Name] = set()
        self.known: set[str] = set()
        self.attributes: set[str] = set()
        #: Some of it is written by somebody else's code, so that only the whole can be read.
        self.opaque = False
        self.tables: set[TableClause] = set()
        self.columns: set[tuple[TableClause, str]] = set()
        self._certain: set[str] = set()
        #: Strings that may be moments, and those that are text where they stand: not looked for before asked.
        self._clocked: list[BindParameter[Any]] = []
        self._settled: list[Iterator[BindParameter[Any]]] = []
        self._in_values = 0
        self._names: set[str] = set()
        self._relations: set[str] = set()
        self._starless: list[int] = []
        super().__init__(*args, **kwargs)

    @property
    def doubts(self) -> set[str]:
        """Sentences, each a way for the result to change that no table tells of."""
        if self._clocked:
            settled = {id(bind) for binds in self._settled for bind in binds}
            self._certain |= _clock_doubts(bind for bind in self._clocked if id(bind) not in settled)
            self._clocked = []
        return self._certain

    @property
    def names(self) -> frozenset[str]:
        rows = {"*"} if self._names & self._relations else set()
        return frozenset(self._names | rows)

    # -- tables and columns

    def visit_table(self, table: Any, *args: Any, **kwargs: Any) -> Any:
        self.tables.add(table)
        self._relations.add(stored(table.name))
        return super().visit_table(table, *args, **kwargs)

    def visit_alias(self, alias: Any, *args: Any, **kwargs: Any) -> Any:
        self._relations.add(str(alias.name))
        return super().visit_alias(alias, *args, **kwargs)

    def visit_column(self, column: Any, *args: Any, **kwargs: Any) -> Any:
        if column.is_literal:
            self._text(str(column.name))
        elif column.table is None:
            self._names.add(stored(column.name))
        else:
            self._used(column, shown=self._is_outermost(kwargs))
        return super().visit_column(column, *args, **kwargs)

    def visit_table_valued_column(self, element: Any, *args: Any, **kwargs: Any) -> Any:
        for column in element.scalar_alias.c:  # the whole row
            self._used(column, shown=False)
        return super().visit_table_valued_column(element, *args, **kwargs)

    def _is_outermost(self, kwargs: dict[str, Any]) -> bool:
        """In the list of what the statement itself selects: what of that is shown, its shape decides."""
        return len(self.stack) == 1 and bool(kwargs.get("within_columns_clause"))

    def _used(self, column: ColumnElement[Any], *, shown: bool) -> None:
        for base in column.base_columns:
            if not isinstance(base, ColumnClause) or not isinstance(base.table, TableClause):
                continue
            if not isinstance(base, Column) or not is_excluded(base):
                self.columns.add((base.table, stored(base.name)))
            elif not shown:
                self._certain.add(
                    f"changes of {base.table}.{base.name} are not announced, as @realtime excludes it: "
                    "do not filter, sort or join by it, or take it out of exclude="
                )

    # -- functions and operators

    def visit_function(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        self._function(func)
        if str(func.name).lower() != "count":
            return super().visit_function(func, *args, **kwargs)
        return self._without_star(0, super().visit_function, func, *args, **kwargs)

    def visit_unary(self, unary: Any, *args: Any, **kwargs: Any) -> Any:
        if unary.operator is not operators.exists:
            return super().visit_unary(unary, *args, **kwargs)
        return self._without_star(1, super().visit_unary, unary, *args, **kwargs)

    def _without_star(self, deeper: int, visit: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Visit what writes ``*`` in its own parentheses without meaning any column by it."""
        self._starless.append(len(self.stack) + deeper)
        try:
            return visit(*args, **kwargs)
        finally:
            self._starless.pop()

    def _function(self, func: Any) -> None:
        name = str(func.name).lower()
        packages = [str(part).lower() for part in func.packagenames]
        arguments = list(getattr(func, "clauses", ()))
        plain = packages in ([], ["pg_catalog"])
        known = name in PURE and plain
        if name in {*SAMPLING, "next_value"} or (name == "age" and len(arguments) == 2):
            return
        if name == "current_setting" and plain and (setting := _setting(arguments)) is not None:
            if setting not in self._settings:
                self._certain.add(setting_doubt(setting))
        elif not known:
            self._unknown_function(func, [*packages, name])
        if known and not packages:
            self.known |= {str(func.name), folded(str(func.name))}
        if plain:
            self._settled.append(settled_by_function(name, arguments))
        if plain and name in MOMENT_TYPES and len(arguments) == 1:
            self._read_as_moment(arguments[0])

    def _unknown_function(self, func: Any, names: list[str]) -> None:
        shown = f"{'.'.join(names)}()"
        if names[-1] in REASONS:
            self._certain.add(f"{shown} {REASONS[names[-1]]}")
            return
        self._hides(f"{shown} {UNKNOWN}")
        # SQLAlchemy quotes a name only where it must
        schema = str(func.packagenames[-1]) if func.packagenames else None
        self.calls |= {(schema, str(func.name)), (schema and folded(schema), folded(str(func.name)))}

    def _hides(self, doubt: str) -> None:
        self._certain.add(doubt)
        self.askable.add(doubt)

    def visit_sequence(self, sequence: Any, *args: Any, **kwargs: Any) -> Any:
        self._certain.add(f"{sequence.name} {REASONS['nextval']}")
        return super().visit_sequence(sequence, *args, **kwargs)

    def visit_tablesample(self, *args: Any, **kwargs: Any) -> Any:
        self._certain.add(f"TABLESAMPLE {REASONS['random']}")
        return super().visit_tablesample(*args, **kwargs)

    def visit_custom_op_binary(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        self._operator(operator.opstring)
        return super().visit_custom_op_binary(element, operator, **kwargs)

    def visit_custom_op_unary_operator(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        self._operator(operator.opstring)
        return super().visit_custom_op_unary_operator(element, operator, **kwargs)

    def visit_custom_op_unary_modifier(self, element: Any, operator: Any, **kwargs: Any) -> Any:
        self._operator(operator.opstring)
        return super().visit_custom_op_unary_modifier(element, operator, **kwargs)

    def _operator(self, text: str) -> None:
        if not OPERATORS.issuperset(text.lower().split()):
            self._hides(f"the operator {text} {UNKNOWN}")
            self.texts.add(text)

    # -- values

    def visit_bindparam(self, bindparam: Any, *args: Any, **kwargs: Any) -> Any:
        of_moments = is_moment if bindparam.callable or self._in_values else may_be_moment
        if (bindparam.callable or _clock_doubts([bindparam])) and of_moments(bindparam.type):
            self._clocked.append(bindparam)
        return super().visit_bindparam(bindparam, *args, **kwargs)

    def visit_values(self, element: Any, *args: Any, **kwargs: Any) -> Any:
        self._in_values += 1
        try:
            return super().visit_values(element, *args, **kwargs)
        finally:
            self._in_values -= 1

    def visit_cast(self, cast: Any, *args: Any, **kwargs: Any) -> Any:
        if is_moment(cast.type):
            self._certain |= _clock_doubts(visitors.iterate(cast.clause))
            self._read_as_moment(cast.clause)
        self._settled.append(settled_by_cast(cast))
        return super().visit_cast(cast, *args, **kwargs)

    def visit_table_valued_alias(self, element: Any, *args: Any, **kwargs: Any) -> Any:
        converts = str(getattr(element.element, "name", "")).lower() in CONVERTING
        if converts and any(is_moment(column.type) for column in element.c):
            self._certain.add(f"text that becomes a date or a time {CLOCK_TEXT}")
        return super().visit_table_valued_alias(element, *args, **kwargs)

    def _read_as_moment(self, element: Any) -> None:
        if may_be_text(element):
            self._certain.add(f"text that becomes a date or a time {CLOCK_TEXT}")

    def visit_case(self, clause: Any, *args: Any, **kwargs: Any) -> Any:
        self._settled.append(settled_by_case(clause))
        return super().visit_case(clause, *args, **kwargs)

    def visit_binary(self, binary: Any, *args: Any, **kwargs: Any) -> Any:
        self._settled.append(settled_by_binary(binary))
        return super().visit_binary(binary, *args, **kwargs)

    # -- statements that write, which a page may run beside those that read

    def visit_insert(self, insert_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        self.tables.add(insert_stmt.table)
        return super().visit_insert(insert_stmt, *args, **kwargs)

    def visit_update(self, update_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        self.tables.add(update_stmt.table)
        return super().visit_update(update_stmt, *args, **kwargs)

    def visit_delete(self, delete_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        self.tables.add(delete_stmt.table)
        return super().visit_delete(delete_stmt, *args, **kwargs)

    # -- what only PostgreSQL can read

    def visit_textclause(self, textclause: Any, *args: Any, **kwargs: Any) -> Any:
        text = textclause.text.replace("\\:", ":")
        self._text(text)
        self._certain |= _clock_doubts(textclause._bindparams.values())  # noqa: SLF001
        if kwargs.get("asfrom"):
            self._names.add("*")  # it may give a table another name
            self._hides(TEXT)  # a plain name is a table's here
            self.texts.add(text)
        return super().visit_textclause(textclause, *args, **kwargs)

    def visit_tstring(self, tstring: Any, *args: Any, **kwargs: Any) -> Any:
        self._hides(TEXT)
        self.opaque = True
        self._certain |= _clock_doubts(visitors.iterate(tstring))
        return super().visit_tstring(tstring, *args, **kwargs)

    def get_statement_hint_text(self, hint_texts: Any) -> Any:
        for text in hint_texts:
            self._text(text)
        return super().get_statement_hint_text(hint_texts)

    def _compose_select_body(self, text: Any, select: Any, *args: Any, **kwargs: Any) -> Any:
        if len(self.stack) == 1:
            self._settled.append(settled_as_selected(select.inner_columns))
        # @compiles functions write SQL themselves: here their elements can still be seen
        for element in visitors.iterate(select):
            if hasattr(type(element), "_compiler_dispatcher"):
                self._hides(f"{type(element).__name__}, compiled by @compiles, {UNKNOWN}")
                self.opaque = True
        return super()._compose_select_body(text, select, *args, **kwargs)

    def _text(self, text: str) -> None:
        plain = _PLAIN_TEXT.fullmatch(text.strip())
        if plain is None or text.strip().lower() in REASONS or clock_word(text.strip().strip("'")):
            self._hides(TEXT)
            self.texts.add(text)
        elif text.strip() == "*" and len(self.stack) not in self._starless:
            self._names.add("*")
        elif plain["name"]:
            self._names.add(_as_stored(plain["name"]))
            if "." in text:
                self.attributes.add(_as_stored(plain["name"]))


def _clock_doubts(elements: Iterable[Any]) -> set[str]:
    """What to say of those of them that are bound to strings which may mean the time of reading."""
    values = [element.effective_value for element in elements if isinstance(element, BindParameter)]
    return {f"{moment!r} {REASONS['now']}" for moment in _flat(values) if clock_word(moment)}


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _as_stored(name: str) -> str:
    """An identifier as PostgreSQL reads it: quoted as it stands, else with ASCII letters in lower case."""
    return name[1:-1] if name.startswith('"') else folded(name)


def _setting(arguments: list[Any]) -> str | None:
    """The setting that ``current_setting`` is asked for, if that is written in the statement."""
    value = getattr(arguments[0], "effective_value", None) if arguments else None
    return value.lower() if isinstance(value, str) else None
