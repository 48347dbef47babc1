"""Queries by chance."""

from typing import Any

from tests.oracle.dice import Dice
from tests.oracle.kinds import ALWAYS, KINDS
from tests.oracle.palette import Palette
from tests.oracle.selects import COMPARISONS, Node, Query
from tests.oracle.world import KEYS, TABLES

IDS = 8
_PATTERNS = ("a%", "%a", "%", "_", "%b%", "A%", "", "a\\%", "%é%", "É%", "_b", "%\n%", "%😀")
_LIKES = ("like", "ilike", "not_like", "not_ilike")
_TEXT_FUNCTIONS = ("lower", "upper", "length", "md5", "btrim")


class Asking:
    """Makes queries."""

    def __init__(self, dice: Dice, palette: Palette) -> None:
        self._dice, self._palette = dice, palette

    def queries(self, count: int, alike: float) -> dict[str, Query]:
        """So many.

        :param alike: share of those that differ from another in their bound values alone, as real users' do.
        """
        made = [self.query()]

        def another() -> None:
            made.append(self._alike(self._dice.choice(made)) if self._chance(alike) else self.query())

        self._dice.some(another, most=count - 1, share=0.99)
        return {f"q{number}": query for number, query in enumerate(made)}

    def query(self) -> Query:
        """One."""
        form = self._dice.weighed(
            {
                "page": 8,
                "counted": 4,
                "entity": 5,
                "columns": 4,
                "join": 5,
                "group": 2,
                "distinct": 1,
                "set": 1,
                "inner": 1,
            }
        )
        query: Query = getattr(self, f"_{form}")()
        if self._chance(0.5):
            query["limit"] = self._dice.choice([0, 1, 2, 2, 3, 3, 3, 5, 5, 100])
        if self._chance(0.2):
            query["offset"] = self._dice.choice([1, 2, 4])
        if form == "counted" or self._chance(0.5 if form == "page" else 0.25):
            query["total"] = True
        if form == "counted":
            query["limit"] = self._dice.choice([1, 2, 3])  # full
        return query

    # -- forms

    def _page(self) -> Query:
        """What most applications show: rows of one table, plainly filtered and sorted."""
        tables = [self._dice.choice(TABLES)]
        query: Query = {"from": tables[0], "plain": True, "columns": "entity"}
        forms = [self._c_equal, self._c_equal, self._c_cmp, self._c_in, self._c_bool, self._c_null]
        parts = [self._dice.choice(forms)(tables) for _ in range(self._dice.choice([0, 1, 1, 2]))]
        if parts:
            query["where"] = ["and", *parts]
        ways = [self._dice.choice(["asc", "desc"]) for _ in range(self._dice.choice([0, 1, 1, 2]))]
        nulls = [None, "first", "last"]
        query["order"] = [[self._column(tables), way, self._dice.choice(nulls)] for way in ways]
        return query

    def _counted(self) -> Query:
        """A page whose total changes by rows that are not on it: in an order that Python knows."""
        query: Query = {"from": "a", "plain": True, "columns": "entity"}
        if self._chance(0.6):
            query["where"] = self._dice.choice([self._c_null, self._c_cmp, self._c_bool])(["a"])
        names = self._dice.choice([[], ["n"], ["flag"], ["n", "flag"]])
        query["order"] = [[["col", 0, name], self._dice.choice(["asc", "desc"]), None] for name in names]
        return query

    def _entity(self) -> Query:
        table = self._dice.choice(TABLES)
        query = {"from": table, "plain": self._chance(0.8), "columns": "entity"}
        return self._finished(query, [table])

    def _columns(self) -> Query:
        table = self._dice.choice(TABLES)
        query: Query = {"from": table, "plain": self._chance(0.8)}
        nodes = [self._value([table]) for _ in range(self._dice.choice([0, 1, 1, 2, 3]))]
        if not nodes or self._chance(0.8):
            nodes += [["col", 0, name] for name in KEYS[table]]
        query["columns"] = [[f"l{n}", node] for n, node in enumerate(nodes)]
        return self._finished(query, [table])

    def _join(self) -> Query:
        tables = [self._dice.choice(TABLES)]
        joins = []
        for number in range(1, self._dice.choice([2, 2, 2, 3])):
            tables.append(self._dice.choice(TABLES))
            kind = self._dice.weighed({"inner": 5, "left": 4, "full": 1})
            # FULL JOIN is only supported with merge-joinable or hash-joinable join conditions
            extra = [] if kind == "full" or self._chance(0.7) else [self._condition(tables, 1)]
            joins.append(
                {"kind": kind, "table": tables[-1], "on": ["and", self._link(tables, number), *extra]}
            )
        query: Query = {"from": tables[0], "plain": self._chance(0.5), "joins": joins}
        query["columns"] = "entity" if self._chance(0.3) else "entities"
        if self._chance(0.5):
            nodes = [self._column(tables) for _ in range(2)]
            nodes += [["col", 0, name] for name in KEYS[tables[0]]]
            query["columns"] = [[f"l{n}", node] for n, node in enumerate(nodes)]
        return self._finished(query, tables)

    def _group(self) -> Query:
        table = self._dice.choice(TABLES)
        query: Query = {"from": table, "plain": True, "group": []}
        for number in range(self._dice.choice([0, 1, 1, 2]) or 1):
            query["group"].append([f"g{number}", self._exact_column(table)])
        query["columns"] = [[f"l{n}", self._aggregate(table)] for n in range(self._dice.randint(1, 3))]
        if self._chance(0.3):
            query["having"] = [
                "cmp",
                self._dice.choice(["<", ">", "="]),
                ["agg", "count", None],
                ["val", "n", "1"],
            ]
        if self._chance(0.6):
            query["where"] = self._condition([table], 2)
        return query

    def _distinct(self) -> Query:
        table = self._dice.choice(TABLES)
        nodes = [self._exact_column(table) for _ in range(self._dice.randint(1, 2))]
        query: Query = {"from": table, "plain": True, "distinct": True}
        query["columns"] = [[f"l{n}", node] for n, node in enumerate(nodes)]
        if self._chance(0.7):
            query["where"] = self._condition([table], 2)
        return query

    def _set(self) -> Query:
        kinds = self._dice.sample(ALWAYS, 2)
        parts = []
        for _ in range(2):
            part: Query = {"from": self._dice.choice(TABLES), "plain": True}
            part["columns"] = [[f"l{n}", ["col", 0, kind]] for n, kind in enumerate(kinds)]
            part["where"] = self._condition([part["from"]], 1)
            parts.append(part)
        return {"union": self._dice.choice(["union", "all", "intersect", "except"]), "parts": parts}

    def _inner(self) -> Query:
        """A SELECT from a SELECT."""
        table = self._dice.choice(TABLES)
        query: Query = {"from": table, "inner": self._condition([table], 1), "cte": self._chance(0.5)}
        nodes = [
            ["col", 0, name] for name in (*KEYS[table], *self._dice.sample(self._palette.kinds(table), 2))
        ]
        query["columns"] = [[f"l{n}", node] for n, node in enumerate(nodes)]
        return self._finished(query, [table])

    def _finished(self, query: Query, tables: list[str]) -> Query:
        if self._chance(0.8):
            query["where"] = self._condition(tables, 2)
        query["order"] = [
            [
                self._sortable(tables),
                self._dice.choice(["asc", "desc"]),
                self._dice.choice([None, "first", "last"]),
            ]
            for _ in range(self._dice.choice([0, 1, 1, 2, 3]))
        ]
        return query

    # -- conditions

    def _condition(self, tables: list[str], depth: int) -> Node:
        if depth and self._chance(0.4):
            joined = self._dice.choice(["and", "or", "or", "not"])
            count = 1 if joined == "not" else self._dice.randint(2, 3)
            return [joined, *(self._condition(tables, depth - 1) for _ in range(count))]
        forms = {
            "cmp": 6, "equal": 5, "in": 4, "between": 2, "null": 3, "bool": 3, "like": 3, "columns": 2,
            "sub": 2, "expression": 2, "key": 3,
        }  # fmt: skip
        made: Node = getattr(self, f"_c_{self._dice.weighed(forms)}")(tables)
        return made

    def _c_equal(self, tables: list[str]) -> Node:
        column, kind = self._kind(tables)
        return ["cmp", "=", column, self._bound(kind)]

    def _c_cmp(self, tables: list[str]) -> Node:
        column, kind = self._kind(tables)
        operator = self._dice.choice(list(COMPARISONS))
        sides = [column, self._bound(kind)]
        if self._chance(0.15):
            sides.reverse()
        return ["cmp", operator, *sides]

    def _c_in(self, tables: list[str]) -> Node:
        column, kind = self._kind(tables)
        if kind in ("j", "xs"):
            kind, column = "n", ["col", column[1], "n"]  # SQLAlchemy takes a list in a list for a tuple
        values: list[str | None] = [self._palette.bound(kind) for _ in range(self._dice.randint(0, 3))]
        if self._chance(0.15):
            values.append(None)
        return ["in", self._chance(0.4), column, kind, values]

    def _c_between(self, tables: list[str]) -> Node:
        column, kind = self._kind(tables)
        return ["between", self._chance(0.3), column, self._bound(kind), self._bound(kind)]

    def _c_null(self, tables: list[str]) -> Node:
        return ["null", self._chance(0.5), self._kind(tables)[0]]

    def _c_bool(self, tables: list[str]) -> Node:
        source = self._dice.randrange(len(tables))
        return ["bool", ["col", source, "flag"], self._dice.choice(["plain", "plain", "true", "false"])]

    def _c_like(self, tables: list[str]) -> Node:
        source = self._dice.randrange(len(tables))
        # LIKE under collations that ignore case is an error before PostgreSQL 18
        name = self._palette.kind(tables[source], lambda kind: KINDS[kind].text and kind != "ci")
        column = ["col", source, name]
        return ["like", self._dice.choice(_LIKES), column, self._dice.choice(_PATTERNS)]

    def _c_columns(self, tables: list[str]) -> Node:
        column, kind = self._kind(tables)
        others = [n for n, table in enumerate(tables) if kind in self._palette.kinds(table)]
        other = ["col", self._dice.choice(others), kind]
        return ["cmp", self._dice.choice(list(COMPARISONS)), column, other]

    def _c_key(self, tables: list[str]) -> Node:
        source = self._dice.randrange(len(tables))
        name = self._dice.choice(KEYS[tables[source]])
        kind = "s" if name in ("k", "code") else "n"
        column = ["col", source, name]
        if self._chance(0.3):
            return ["in", False, column, kind, [self._palette.bound(kind) for _ in range(2)]]
        return ["cmp", self._dice.choice(["=", "=", "<", ">=", "!="]), column, self._bound(kind)]

    def _c_expression(self, tables: list[str]) -> Node:
        source = self._dice.randrange(len(tables))
        column: Node = ["col", source, "n"]
        return self._dice.choice(
            [
                ["cmp", "=", ["mod", column, 2], ["val", "n", self._dice.choice("01")]],
                ["cmp", ">", ["add", column, ["col", source, "n"]], ["val", "n", "2"]],
                ["cmp", "=", ["coalesce", column, ["val", "n", "0"]], ["val", "n", "0"]],
                ["cmp", "=", ["fn", "lower", ["col", source, "s"]], ["val", "s", "a"]],
                ["cmp", "<", ["fn", "length", ["col", source, "s"]], ["val", "n", "2"]],
                ["cmp", "=", ["is", ["cmp", ">", column, ["val", "n", "0"]]], ["col", source, "flag"]],
                ["cmp", "<", ["neg", column], ["val", "n", "0"]],
            ]
        )

    def _c_sub(self, tables: list[str]) -> Node:
        table, number = self._dice.choice(TABLES), len(tables)
        inside = [*tables, table]
        link = self._link(inside, number)
        if self._chance(0.4):
            link = ["and", link, self._condition([*tables, table], 0)]
        if self._chance(0.6):
            return ["exists", table, number, self._chance(0.4), link]
        name = self._dice.choice(["n", "s"])
        condition = ["null", True, ["col", number, name]]
        return ["insub", table, number, self._chance(0.3), ["col", 0, name], name, condition]

    def _link(self, tables: list[str], number: int) -> Node:
        """How a source hangs on another."""
        other = self._dice.randrange(number)
        own, others = tables[number], tables[other]
        names = {"a": "id", "b": "a_id", "c": "a_id"}
        if self._chance(0.7):
            return ["cmp", "=", ["col", number, names[own]], ["col", other, names[others]]]
        name = self._dice.choice(ALWAYS)
        return ["cmp", "=", ["col", number, name], ["col", other, name]]

    # -- expressions

    def _value(self, tables: list[str]) -> Node:
        if self._chance(0.7):
            return self._column(tables)
        column: Node = ["col", 0, "n"]
        text: Node = ["col", 0, "s"]
        table, number = self._dice.choice(TABLES), len(tables)
        link = self._link([*tables, table], number)
        return self._dice.choice(
            [
                ["mod", column, 2],
                ["fn", self._dice.choice(_TEXT_FUNCTIONS), text],
                ["coalesce", column, ["val", "n", "7"]],
                ["case", self._condition(tables, 1), ["val", "s", "yes"], text],
                ["is", self._condition(tables, 1)],
                ["count", table, number, link],
                ["top", table, number, self._dice.choice(["min", "max"]), "n", link],
            ]
        )

    def _sortable(self, tables: list[str]) -> Node:
        if self._chance(0.85):
            return self._column(tables)
        return self._dice.choice(
            [["mod", ["col", 0, "n"], 2], ["fn", "lower", ["col", 0, "s"]], ["neg", ["col", 0, "n"]]]
        )

    def _aggregate(self, table: str) -> Node:
        column = self._exact_column(table)
        plain: list[Node] = [
            ["agg", "count", None],
            ["agg", "sum", ["col", 0, "n"]],
            ["agg", "count", column],
        ]
        plain += [["agg", "count", column, "distinct"], ["agg", "max", ["col", 0, "n"]]]
        plain += [["agg", "min", ["col", 0, "s"]], ["agg", "bool_or", ["col", 0, "flag"]]]
        chosen = self._dice.choice(plain)
        if chosen[2] is not None and self._chance(0.2):
            chosen.append(self._condition([table], 0))
        return chosen

    # -- parts

    def _chance(self, share: float) -> bool:
        return self._dice.chance(share)

    def _column(self, tables: list[str]) -> Node:
        return self._kind(tables)[0]

    def _kind(self, tables: list[str]) -> tuple[Node, str]:
        source = self._dice.randrange(len(tables))
        kind = self._palette.kind(tables[source])
        return ["col", source, kind], kind

    def _exact_column(self, table: str) -> Node:
        return ["col", 0, self._palette.kind(table, lambda kind: KINDS[kind].exact)]

    def _bound(self, kind: str) -> Node:
        return ["val", kind, self._palette.bound(kind)]

    def _alike(self, query: Query) -> Query:
        """Other values in the same statement."""
        made: Query = self._again(query)
        return made

    def _again(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {name: self._again(value) for name, value in node.items()}
        if not isinstance(node, list):
            return node
        if len(node) == 3 and node[0] == "val" and node[2] in KINDS[node[1]].bound:
            return self._bound(node[1])
        return [self._again(item) for item in node]
