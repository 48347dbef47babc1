"""Parameters to PL/pgSQL, from a template version's blocks."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sa_notify.capture.names import identifier, json_text, literal
from sa_notify.capture.render_values import differs, values
from sa_notify.capture.spec import TriggerParams
from sa_notify.capture.template import fill, version

_LINE = ",\n                "
_OR_ELSE = "\n    ELSIF "
_SLOTS = 4


def render_body(params: TriggerParams) -> str:
    """The function's body exactly as PostgreSQL stores it in ``prosrc``."""
    frame = version(params.template, "function")
    body = fill(
        frame["body"],
        params=params.header(),
        bulk_limit=_limit(params),
        first_level=str(_first_level(params)),
        branches="\n".join(_branches(params)),
        muted_row=frame["muted_row"] if params.always else "",
        **_delivery(params),
    )
    return body + "\n"


def render_function(function: str, params: TriggerParams) -> str:
    """``CREATE OR REPLACE FUNCTION`` for a function name that is quoted already."""
    frame = version(params.template, "function")
    security = version(params.template, params.delivery)["security"]
    return fill(frame["create"], function=function, security=security, body=render_body(params))


def _delivery(params: TriggerParams) -> dict[str, str]:
    pieces = version(params.template, params.delivery)
    flood = fill(pieces["flood"], bulk_limit=_limit(params)) if params.always else ""
    # a statement for each slot, so that each keeps its plan and locks no other slot
    of_slots = {
        name.removeprefix("slot_"): _OR_ELSE.join(fill(piece, slot=str(slot)) for slot in range(_SLOTS))
        for name, piece in pieces.items()
        if name.startswith("slot_")
    }
    whole = [name for name in pieces if name not in ("flood", "security") and not name.startswith("slot_")]
    return {name: fill(pieces[name], flood=flood, **of_slots) for name in whole}


def _limit(params: TriggerParams) -> str:
    return str(int(params.bulk_limit))


def _branches(params: TriggerParams) -> list[str]:
    """One statement for each kind of write and level of detail; those of single rows come first."""
    statements = _ladder(params, partial(_branch, params))
    return [*_ladder(params, partial(_row_branch, params)), *statements] if params.always else statements


def _ladder(params: TriggerParams, branch: Callable[[str, int, dict[str, str], str], str]) -> list[str]:
    """From the most detailed on."""
    full, names = _parts(params, params.carry), _parts(params, ())
    found = [branch(op, 0, full, select) for op, select in _SELECTS.items()] if params.carry else []
    found += [branch(op, 1 if op == "UPDATE" else 2, names, select) for op, select in _SELECTS.items()]
    return [*found, branch("UPDATE", 2, names, "keys")]


_SELECTS = {"UPDATE": "updated", "INSERT": "inserted", "DELETE": "deleted"}


def _branch(params: TriggerParams, op: str, level: int, parts: dict[str, str], select: str) -> str:
    pieces = version(params.template, "changes")
    rows = {"old": pieces["old_rows"], "new": pieces["new_rows"], **parts}
    one = fill(pieces["one_updated"], **rows)
    first = op == "UPDATE" and level == _first_level(params)
    branch = "branch_first_update" if first else "branch_update" if op == "UPDATE" else "branch"
    return fill(pieces[branch], op=op, level=str(level), select=fill(pieces[select], **rows), one=one)


def _row_branch(params: TriggerParams, op: str, level: int, parts: dict[str, str], select: str) -> str:
    pieces = version(params.template, "changes")
    statement = fill(pieces[select], old=pieces["old_row"], new=pieces["new_row"], **parts)
    return fill(pieces["branch_row"], op=op, level=str(level), select=statement)


def _first_level(params: TriggerParams) -> int:
    return 0 if params.carry else 1


def _parts(params: TriggerParams, carry: tuple[str, ...]) -> dict[str, str]:
    pieces = version(params.template, "changes")
    old_there = [f"o.{identifier(column)} IS NOT NULL" for column in params.key]
    new_there = [f"n.{identifier(column)} IS NOT NULL" for column in params.key]
    same = [fill(pieces["same_key"], column=identifier(column)) for column in params.key]
    keys = {"old_key": _key("o", params), "new_key": _key("n", params)}
    changed = _LINE.join(_changed(column, carry, params) for column in params.columns)
    return keys | {
        "insert": fill(pieces["insert"], values=values(carry, params, old=False), **keys),
        "update": fill(pieces["update"], values=values(carry, params), changed=changed, **keys),
        "delete": fill(pieces["delete"], values=values(carry, params, new=False), **keys),
        "both": " AND ".join([*old_there, *new_there]),
        "only_new": " AND ".join(new_there),
        "only_old": " AND ".join(old_there),
        "same_key": "\n            AND ".join(same),
    }


def _key(row: str, params: TriggerParams) -> str:
    piece = version(params.template, "changes")["key_text"]
    texts = [fill(piece, row=row, column=identifier(column)) for column in params.key]
    return " || ',' || ".join(texts)


def _changed(column: str, carry: tuple[str, ...], params: TriggerParams) -> str:
    pieces = version(params.template, "changes")
    piece = pieces["changed_virtual" if column in params.virtual else "changed"]
    test = differs(column, params if column in carry else replace(params, fixed=(), texts=()))
    return fill(piece, differs=test, name=literal(json_text(column)))
