"""What a query tree says that PostgreSQL has stored: a view's, a policy's, a function's.

It names every function, type and setting, implicit ones too. What kinds of nodes there are depends on
PostgreSQL's version: one that is not known here is a doubt. (src/backend/nodes/outfuncs.c)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sa_notify.live.functions import REASONS

_KNOWN = frozenset(
    """
    QUERY RTE RANGETBLENTRY RTEPERMISSIONINFO ALIAS FROMEXPR JOINEXPR RANGETBLREF RANGETBLFUNCTION TARGETENTRY
    VAR CONST PARAM OPEXPR FUNCEXPR BOOLEXPR NULLTEST BOOLEANTEST CASE CASEEXPR WHEN CASEWHEN CASETESTEXPR
    SORTGROUPCLAUSE GROUPINGSET GROUPINGFUNC WINDOWCLAUSE WINDOWFUNC AGGREF COMMONTABLEEXPR CTECYCLECLAUSE
    CTESEARCHCLAUSE SETOPERATIONSTMT SUBLINK ARRAY ARRAYEXPR ROW ROWEXPR ROWCOMPARE ROWCOMPAREEXPR COALESCE
    COALESCEEXPR MINMAX MINMAXEXPR RELABELTYPE CONVERTROWTYPEEXPR COERCEVIAIO ARRAYCOERCEEXPR COERCETODOMAIN
    COERCETODOMAINVALUE COLLATE COLLATEEXPR DISTINCTEXPR NULLIFEXPR SCALARARRAYOPEXPR NAMEDARGEXPR FIELDSELECT
    SUBSCRIPTINGREF JSONCONSTRUCTOREXPR JSONVALUEEXPR JSONFORMAT JSONRETURNING JSONISPREDICATE
    SQLVALUEFUNCTION NEXTVALUEEXPR TABLESAMPLECLAUSE
    """.split()
)

#: By the number that SQLValueFunction has for it (src/include/nodes/primnodes.h).
_VALUES = (
    *("current_date", "current_time", "current_time", "current_timestamp", "current_timestamp"),
    *("localtime", "localtime", "localtimestamp", "localtimestamp"),
    *("current_role", "current_user", "user", "session_user", "current_catalog", "current_schema"),
)

#: current_setting(text) and current_setting(text, boolean), whose oids are the same everywhere.
_CURRENT_SETTING = frozenset({2077, 3294})

# in a name, braces and spaces have a backslash before them
_NODE = re.compile(r"(?<!\\)\{([A-Z]+)")
_FUNCTION = re.compile(r":(?:funcid|aggfnoid|winfnoid|elemfuncid|tsmhandler) (\d+)")
_VALUE = re.compile(r"\{SQLVALUEFUNCTION :op (\d+)")
_SETTINGS = re.compile(r":funcid (?:2077|3294) ")
_SETTING = re.compile(
    r":funcid (?:2077|3294) [^{}()]*:args \(\{CONST :consttype 25 [^{}]*:constvalue \d+ \[ ([\d -]+) \]\}"
)
# CoerceViaIO alone has these three in a row
_BY_TEXT = re.compile(r":resulttype (\d+) :resultcollid \d+ :coerceformat")
# regclass and its kin, whose text is the catalog's; regconfig and regdictionary decide nothing by it
_OF_CATALOG = re.compile(
    r":(?:consttype|resulttype|vartype|funcresulttype) (24|2202|2203|2204|2205|2206|4096|4089|4191|8326) "
)
_OF_RECORD = re.compile(r":funccoltypes \(o ([\d ]+)\)")
_WHOLE_ROW = re.compile(r":varattno 0 ")


@dataclass(frozen=True, slots=True)
class Tree:
    """What is in a tree besides tables, columns and operators, which PostgreSQL lists by itself.

    :param functions: oids.
    :param settings: what ``current_setting`` is asked for.
    :param types: oids of types that values become by way of text.
    :param whole: whether it takes whole rows.
    :param doubts: what depends on the clock, chance or the session: subject and reason.
    :param unknown: kinds of nodes that are not known.
    """

    functions: frozenset[int]
    settings: frozenset[str]
    types: frozenset[int]
    whole: bool
    doubts: frozenset[tuple[str, str]]
    unknown: frozenset[str]


def read_tree(text: str) -> Tree:
    """Read what the catalog has as ``pg_node_tree``."""
    nodes = set(_NODE.findall(text))
    settings = [_text(found) for found in _SETTING.findall(text)]
    functions = {int(oid) for oid in _FUNCTION.findall(text)} - {0}
    if None not in settings and len(settings) == len(_SETTINGS.findall(text)):
        functions -= _CURRENT_SETTING
    types = {oid for found in _OF_RECORD.findall(text) for oid in found.split()}
    types.update(_BY_TEXT.findall(text), _OF_CATALOG.findall(text))
    return Tree(
        functions=frozenset(functions),
        settings=frozenset(name.lower() for name in settings if name is not None),
        types=frozenset(int(oid) for oid in types),
        whole=_WHOLE_ROW.search(text) is not None,
        doubts=frozenset(_doubts(text, nodes)),
        unknown=frozenset(nodes - _KNOWN),
    )


def _doubts(text: str, nodes: set[str]) -> Iterator[tuple[str, str]]:
    for number in _VALUE.findall(text):
        name = _VALUES[int(number)] if int(number) < len(_VALUES) else "current_timestamp"
        yield name, REASONS[name]
    if "NEXTVALUEEXPR" in nodes:
        yield "nextval()", REASONS["nextval"]
    if "TABLESAMPLECLAUSE" in nodes:
        yield "TABLESAMPLE", REASONS["random"]


def _text(datum: str) -> str | None:
    """A value of type text as the tree has it, byte by byte; ``None`` when it is not stored plainly."""
    found = bytes(int(byte) & 255 for byte in datum.split())
    lengths = {int.from_bytes(found[:4], "little") >> 2, int.from_bytes(found[:4], "big")}
    return found[4:].decode(errors="replace") if len(found) in lengths else None
