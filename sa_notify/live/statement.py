"""Statements that can be read again and again."""

from typing import Any, cast

from sqlalchemy import CompoundSelect, Executable, Select, SelectBase, TextClause, func, select
from sqlalchemy.orm import FromStatement, LoaderCriteriaOption, Query, lazyload
from sqlalchemy.sql import visitors

from sa_notify.errors import QueryError


def prepare(statement: Any) -> Any:
    """The statement as it is read: relationships are never sent, so they are not loaded either.

    Relationships that the statement itself asks to load are loaded for nothing.

    :raises QueryError: when it is not a ``select()`` that can be read again and again.
    """
    _check_kind(statement)
    _check_effects(statement)
    statement = _bound(statement)
    if isinstance(statement, CompoundSelect):
        return statement
    described = _described(statement)
    if any(item["expr"] is item.get("entity") for item in described if item.get("entity") is not None):
        return statement.options(lazyload("*"))
    return statement


def _described(statement: Any) -> Any:
    try:
        return statement.column_descriptions
    except AttributeError as error:  # SQLAlchemy's own, of text beside a model
        raise QueryError(
            "what is selected as text() from a model has no name: select columns, or literal_column() with "
            ".label()"
        ) from error


def total_statement(statement: Any) -> Select[Any]:
    """A statement that counts the rows without LIMIT, OFFSET and FETCH.

    :raises QueryError: when the rows come from SQL written as text.
    """
    counted = statement.element if isinstance(statement, FromStatement) else statement
    if not isinstance(counted, (Select, CompoundSelect)):
        raise QueryError("rows from text() can't be counted: write a select(), or leave total=True out")
    everything = cast(Any, counted).order_by(None).limit(None).offset(None).subquery()
    counting = select(func.count()).select_from(everything)
    # criteria of with_loader_criteria() are for the whole statement, wherever its models are
    options = counted._with_options  # noqa: SLF001
    criteria = [option for option in options if isinstance(option, LoaderCriteriaOption)]
    return counting.options(*criteria).execution_options(**statement.get_execution_options())


def _bound(statement: Any) -> Any:
    """With the values of ``params()`` in its parameters: SQLAlchemy 2.1 keeps them beside, as 2.0 did not.

    Whoever looks at the parameters of a statement, to tell two subscribers apart, would see others.
    """
    given: dict[str, Any] = {}
    for element in visitors.iterate(statement):  # what is further outside goes first
        given = {**(getattr(element, "_params", None) or {}), **given}
    if not given:
        return statement

    def bind(parameter: Any) -> None:
        if parameter.key in given:
            parameter.value, parameter.callable, parameter.required = given[parameter.key], None, False

    asked = getattr(statement, "_with_options", ())
    plain = statement._generate() if asked else statement  # noqa: SLF001
    if asked:
        # SQLAlchemy can't clone those of with_loader_criteria()
        plain._with_options = ()  # noqa: SLF001
    options = {"maintain_key": True, "detect_subquery_cols": True}
    bound = visitors.cloned_traverse(plain, options, {"bindparam": bind})
    return bound.options(*asked) if asked else bound


def _check_kind(statement: Any) -> None:
    if isinstance(statement, Query):
        raise QueryError("a live query returns a select(), not session.query(...): return its .statement")
    if statement is None:
        raise QueryError("a live query returns a select(), not None: is there a return?")
    if isinstance(statement, FromStatement):
        if not isinstance(statement.element, (SelectBase, TextClause)):
            raise QueryError("a live query only reads: give from_statement() a select()")
        return
    if isinstance(statement, (str, TextClause)):
        raise QueryError(
            "a live query returns a select(), not SQL as text: write it with select(), or with "
            "select(Model).from_statement(text(...))"
        )
    if not isinstance(statement, (Select, CompoundSelect)):
        kind = type(statement).__name__
        made = f"an executable {kind}" if isinstance(statement, Executable) else f"a {kind}"
        raise QueryError(f"a live query returns a select(), not {made}")


def _check_effects(statement: Any) -> None:
    for element in visitors.iterate(statement):
        if getattr(element, "is_dml", False):
            raise QueryError("a live query only reads: take the INSERT, UPDATE or DELETE out of its select()")
        if getattr(element, "_for_update_arg", None) is not None:
            raise QueryError("a live query must not lock rows: leave with_for_update() out")
