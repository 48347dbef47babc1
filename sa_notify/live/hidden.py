"""What a statement reads where SQLAlchemy can't see it: behind views, text, functions and policies.

PostgreSQL's catalog is asked, not a plan: a plan shows neither a LIMIT nor VALUES nor implicit casts, leaves
out relations that it need not read today, and has computed some functions already.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sa_notify.capture.definitions import Question
from sa_notify.live.functions import (
    MOVING_TEXT,
    PURE,
    REASONS,
    UNANNOUNCED,
    UNCLEAR,
    UNKNOWN,
    setting_doubt,
)
from sa_notify.live.tree import read_tree
from sa_notify.live.words import Name, words_of

#: Answers questions to the catalog, ``None`` for what there is not.
Ask = Callable[[Iterable[Question]], Mapping[Question, Any]]

#: Schema and name of a relation, and the columns that are read of it; ``None`` for all.
Columns = frozenset[str] | None

_HOLDS_ROWS = frozenset("rpmfS")
_STANDARD_TYPES = frozenset(
    """
    bigint bit boolean character dec decimal double float int integer national nchar numeric real smallint
    varchar
    """.split()
)
#: Made of text with a setting of the session, but not with the clock or the catalog.
_SETTLED_TYPES = frozenset({"interval", "money", "tsvector", "tsquery", "json", "jsonb", "xml"})
_TEXT = "SQL written as text"


@dataclass(frozen=True, slots=True)
class Hidden:
    """What was found.

    :param relations: every relation that is read, views left out: schema, name, and columns.
    :param names: names that text may have for columns of the statement's own tables.
    :param doubts: sentences, each a way for the result to change that no table tells of.
    :param unknown: sentences about what can't be followed: it may read any table.
    """

    relations: Mapping[tuple[str, str], Columns] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    doubts: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


class Search:
    """Follows what is hidden until nothing new turns up, asking a round of questions at a time.

    :param settings: settings whose values are part of the query's identity.
    :param own: oids of the tables that the statement itself names.
    """

    def __init__(self, ask: Ask, settings: frozenset[str], own: frozenset[int]) -> None:
        self._ask = ask
        self._settings = settings
        self._own = own
        self._pending: list[tuple[Question, Callable[[Any], None]]] = []
        self._visited: set[tuple[Any, ...]] = set()
        self._reached: set[int] = set()
        self._relations: dict[tuple[str, str], set[str] | None] = {}
        self._names: set[str] = set()
        self._doubts: set[str] = set()
        self._unknown: set[str] = set()

    def relations(self, oids: Iterable[int]) -> None:
        """Follow tables and views of the statement itself that hide something."""
        for oid in oids:
            self._relation(oid, frozenset(), direct=True)

    def texts(self, texts: Iterable[str], locked: frozenset[int] | None) -> None:
        """Follow the pieces of the statement that are written as text.

        :param locked: oids of the relations that PostgreSQL has locked for the statement, if that is known:
            no other is meant by a name in it, and whatever is not come by so has been read by a function.
        """
        for sql in texts:
            self._names |= words_of(sql).columns
            self._read(sql, _TEXT, self._own, locked)
        self.found()
        for oid in (locked or frozenset()) - self._own - self._reached:
            self._relation(oid, None, direct=False)

    def calls(self, names: Iterable[Name]) -> None:
        """Follow functions that the statement calls."""
        for schema, name in names:
            self._call(Question("called", name, schema), "")

    def overloads(self, names: Iterable[str]) -> None:
        """Follow functions of somebody's own that have the name of one of PostgreSQL's that it calls."""
        for name in names:
            self._call(Question("overload", name), "")

    def attributes(self, names: Iterable[str]) -> None:
        """Follow ``row.name`` where the row has no such column: it may call a function."""
        for name in names:
            self._call(Question("attribute", name), "")

    def found(self) -> Hidden:
        """Ask until there is nothing left to ask."""
        while self._pending:
            pending, self._pending = self._pending, []
            answers = self._ask({question for question, _ in pending})
            for question, then in pending:
                then(answers.get(question))
        relations = {
            name: None if columns is None else frozenset(columns) for name, columns in self._relations.items()
        }
        return Hidden(relations, frozenset(self._names), frozenset(self._doubts), frozenset(self._unknown))

    def _want(self, question: Question, then: Callable[[Any], None]) -> None:
        self._pending.append((question, then))

    def _new(self, *what: Any) -> bool:
        if what in self._visited:
            return False
        self._visited.add(what)
        return True

    # -- relations

    def _relation(self, oid: int, columns: Columns, *, direct: bool) -> None:
        """Follow a relation.

        :param direct: it is read with the rights of whoever reads; otherwise perhaps with a view's owner's.
        """
        self._want(Question("relation", str(oid)), lambda found: self._described(oid, found, columns, direct))

    def _described(self, oid: int, found: Mapping[str, Any] | None, columns: Columns, direct: bool) -> None:
        if found is None:
            self._unknown.add(f"a relation that has just been dropped {UNCLEAR}")
            return
        self._reached.add(oid)
        shown = f"{found['schema']}.{found['name']}"
        if found["system"]:
            self._doubts.add(f"{shown} {UNANNOUNCED}")
            return
        if found["kind"] in _HOLDS_ROWS:
            self._reads((found["schema"], found["name"]), columns)
        if not self._new("relation", oid, direct):
            return
        for rule in (found["rules"] if found["kind"] == "v" else None) or ():
            self._definition(f"the view {shown}", "pg_rewrite", rule["oid"], rule["tree"])
        if found["active"] if direct else found["secured"]:
            for policy in found["policies"] or ():
                if policy["applies"] or not direct:
                    self._definition(f"a policy of {shown}", "pg_policy", policy["oid"], policy["tree"])

    def _reads(self, name: tuple[str, str], columns: Columns) -> None:
        before = self._relations.setdefault(name, set())
        if columns is None:
            self._relations[name] = None
        elif before is not None:
            before.update(columns)

    # -- trees

    def _definition(self, where: str, catalog: str, oid: int, text: str | None) -> None:
        """Follow a view's rule, a policy or a function's body."""
        if text is None:
            return
        whole = self._tree(where, text)

        def used(found: Any) -> None:
            for relation, columns in (found["relations"] or {}).items():
                self._relation(int(relation), None if whole else frozenset(columns or ()), direct=False)
            for function in found["functions"] or ():
                self._function(int(function), where)

        self._want(Question("uses", str(oid), catalog), used)

    def _tree(self, where: str, text: str) -> bool:
        tree = read_tree(text)
        self._doubts |= {f"{subject} in {where} {reason}" for subject, reason in tree.doubts}
        self._unknown |= {f"{node} in {where} {UNCLEAR}" for node in tree.unknown}
        self._check_settings(tree.settings, where)
        for function in tree.functions:
            self._function(function, where)
        for oid in tree.types:
            self._want(Question("type", str(oid), "pg_type"), lambda found: self._type(found, where))
        return tree.whole

    def _check_settings(self, names: Iterable[str], where: str) -> None:
        self._doubts |= {f"{setting_doubt(name)} ({where})" for name in names if name not in self._settings}

    def _type(self, found: Any, where: str) -> None:
        for item in found or ():
            if not (item["fixed"] or item["kind"] == "e" or item["name"] in _SETTLED_TYPES):
                self._unknown.add(f"a {item['name']} in {where} {MOVING_TEXT}")

    # -- functions

    def _call(self, question: Question, where: str) -> None:
        def mean(oids: Any) -> None:
            for oid in oids or ():
                self._function(int(oid), where)

        self._want(question, mean)

    def _function(self, oid: int, where: str) -> None:
        if self._new("function", oid, where):
            self._want(Question("function", str(oid)), lambda found: self._called(oid, found, where))

    def _called(self, oid: int, found: Mapping[str, Any] | None, where: str) -> None:
        if found is None:
            self._unknown.add(f"a function that has just been dropped {UNCLEAR}")
            return
        name = f"{found['name']}()" if found["builtin"] else f"{found['schema']}.{found['name']}()"
        subject = f"{name} in {where}" if where else name
        if found["defaults"]:
            self._tree(name, found["defaults"])
        if _is_pure(found):
            return
        if found["builtin"] and found["name"] in REASONS:
            self._doubts.add(f"{subject} {REASONS[found['name']]}")
        elif found["support"] and not found["builtin"]:
            for support in found["support"]:
                self._function(int(support), name)
        elif found["language"] == "sql" and not (found["configured"] or found["builtin"]):
            self._body(oid, found, name)
        else:
            self._unknown.add(f"{subject} {UNKNOWN}")

    def _body(self, oid: int, found: Mapping[str, Any], name: str) -> None:
        if not self._new("body", oid):
            return
        self._definition(name, "pg_proc", oid, found["tree"])
        if found["body"] is not None:
            self._read(found["body"], name, frozenset(), None)

    # -- text

    def _read(self, sql: str, where: str, own: frozenset[int], locked: frozenset[int] | None) -> None:
        words = words_of(sql)
        self._doubts |= {f"{subject} in {where} {reason}" for subject, reason in words.doubts}
        self._unknown |= {f"{what} in {where} {UNCLEAR}" for what in words.unclear}
        self._check_settings(words.settings, where)
        for schema, name in words.names:
            self._want(Question("named", name, schema), partial(self._perhaps, own, locked))
        for schema, name in words.called:
            self._call(Question("called", name, schema), where)
        for name in words.plain:
            self._call(Question("attribute", name), where)
        for operator in words.operators:
            self._call(Question("operator", operator), where)
        self._call(Question("casts"), where)
        self._made(words.types, words.labels, where)

    def _perhaps(self, own: frozenset[int], locked: frozenset[int] | None, oid: int | None) -> None:
        """A name that may be a relation."""
        if oid is None or oid in own:
            return
        number = oid

        def look(found: Any) -> None:
            # of what is locked, the catalog's own is not known
            if found is not None and (found["system"] or locked is None or number in locked):
                self._relation(number, None, direct=False)

        self._want(Question("relation", str(number)), look)

    def _made(self, types: Iterable[str], labels: Iterable[str], where: str) -> None:
        for name in types:
            self._want(Question("type", name), partial(self._cast, name, where))
        for name in labels:  # a label that no type has is one
            self._want(Question("type", name), lambda found: self._label(found, where))

    def _cast(self, name: str, where: str, found: Any) -> None:
        if not found and name not in _STANDARD_TYPES:
            self._unknown.add(f"a {name} in {where} {UNCLEAR}")
        self._type(found, where)

    def _label(self, found: Any, where: str) -> None:
        self._type([item for item in found or () if item["kind"] not in "cp"], where)


def _is_pure(function: Mapping[str, Any]) -> bool:
    """Whether its value is decided by its arguments alone.

    PostgreSQL itself relies on a function that is declared IMMUTABLE being so: it may compute it once for
    all, or in an index. Of an aggregate the declaration says nothing.
    """
    trusted = function["builtin"] or function["extension"]
    if trusted and function["name"] in PURE:
        return True
    return bool(function["volatile"] == "i" and not (function["support"] and not function["builtin"]))
