"""Old and new values of carried columns, as one JSON object of a row's text."""

from sa_notify.capture.names import identifier, json_text, literal
from sa_notify.capture.spec import TEMPLATE, TriggerParams
from sa_notify.capture.template import fill, version

_LINE = ",\n                "


def values(carry: tuple[str, ...], params: TriggerParams, *, old: bool = True, new: bool = True) -> str:
    """What follows the key and the names in a row's text; nothing where nothing is carried.

    :param old: there is an old row.
    :param new: there is a new row.
    """
    if not carry:
        return ""
    if params.delivery == "notify":
        return ',"w":{\' || ' + " || ',' || ".join(_pair(c, params, old, new) for c in carry) + " || '}"
    pairs = _LINE.join(_pair_if_it_fits(column, params, old, new) for column in carry)
    return fill(version(params.template, "changes")["pairs"], pairs=pairs)


def differs(column: str, params: TriggerParams) -> str:
    """Whether a column's value is another one, by what is cheapest and exact for its type."""
    pieces = version(params.template, "changes")
    kind = "fixed_" if column in params.fixed else "text_" if column in params.texts else ""
    return fill(pieces[f"{kind}differs"], column=identifier(column))


def _pair(column: str, params: TriggerParams, old: bool, new: bool) -> str:
    piece = version(params.template, "changes")["pair"]
    before, after = _value("o", column, params, old), _value("n", column, params, new)
    return fill(piece, name=literal(json_text(column)), values=f"{before} || ',' || {after}")


def _pair_if_it_fits(column: str, params: TriggerParams, old: bool, new: bool) -> str:
    """Nothing where a value is large; one value where it did not change."""
    pieces, name = version(params.template, "changes"), literal(json_text(column))
    pair = _pair_of(column, params, old, new)
    if column in params.fixed:
        return fill(pieces["fixed_pair"], name=name, values=pair)
    large = [fill(pieces["large"], row=row, column=identifier(column)) for row in ["o"] * old + ["n"] * new]
    return fill(pieces["pair_if_it_fits"], large=" OR ".join(large), name=name, values=pair)


def _pair_of(column: str, params: TriggerParams, old: bool, new: bool) -> str:
    pieces = version(params.template, "changes")
    if column in params.fixed or column in params.texts:
        kind = "fixed" if column in params.fixed else "text"
        before, after = (fill(pieces[kind], row=row, column=identifier(column)) for row in "on")
        one, two = pieces["array_of_one"], pieces["array_of_two"]
        both = fill(two, old=before if old else "NULL", new=after if new else "NULL")
        once = fill(one, new=after)
    else:
        before, after = _value("o", column, params, old), _value("n", column, params, new)
        both = fill(pieces["values_of_two"], old=before, new=after)
        once = fill(pieces["values_of_one"], new=after)
    if not (old and new):
        return both
    return fill(pieces["one_if_unchanged"], differs=differs(column, params), both=both, once=once)


def _value(row: str, column: str, params: TriggerParams, there: bool) -> str:
    return as_carried(row, column, params.template) if there else "'null'"


def as_carried(row: str, column: str, template: int = TEMPLATE) -> str:
    """The value as JSON, as text: an SQL expression.

    :param row: the table's name in the statement.
    """
    pieces = version(template, "changes")
    parts = {"row": row, "column": identifier(column)}
    # a CASE of a domain and NULL is of the domain's base type, however deep that lies
    base = fill(pieces["base"], **parts)
    return fill(pieces["value"], base=base, plain_types=pieces["plain_types"], **parts)
