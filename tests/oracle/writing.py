"""Writes by chance, as SQL: a failing script can be read, cut and tried by hand."""

from tests.oracle.dice import Dice
from tests.oracle.kinds import TWINS, literal
from tests.oracle.palette import Palette
from tests.oracle.world import KEYS

_CODES = ("", "a", "A", "b", 'q"', "\\", "[1]", "é")


class Writing:
    """Makes statements.

    :param ids: how many there are.
    """

    def __init__(self, dice: Dice, palette: Palette, ids: int) -> None:
        self._dice, self._palette, self._ids = dice, palette, ids

    def start(self) -> list[str]:
        """Some rows to begin with."""
        numbers = [number for number in range(self._ids) if self._dice.chance(0.8)]
        made = [f"INSERT INTO a VALUES ({self._row('a', number)})" for number in numbers]
        made += self._dice.some(lambda: self.insert("b"), most=2 * len(numbers))
        return made + self._dice.some(lambda: self.insert("c"), most=len(_CODES), share=0.9)

    def insert(self, table: str) -> str:
        """A row more."""
        return f"INSERT INTO {table} VALUES ({self._row(table)})"

    def same(self) -> str:
        """One that changes nothing."""
        return self._same(self._dice.choice("abc"))

    def statement(self) -> str:
        """One."""
        forms = {
            "update": 20, "insert": 20, "delete": 8, "insert_many": 6, "upsert": 8, "update_some": 8,
            "same": 4, "step": 4, "twin": 6, "move": 6, "swap": 2, "delete_some": 1, "bulk": 3, "truncate": 1,
            "chain": 2, "merge": 2, "foreign": 2, "far": 8,
        }  # fmt: skip
        form = self._dice.weighed(forms)
        made: str = getattr(self, f"_{form}")(self._dice.choice("aabbcc"))
        return made

    # -- forms

    def _insert(self, table: str) -> str:
        return self.insert(table)

    def _far(self, table: str) -> str:
        """A row behind most others comes or goes."""
        number = 50 + self._dice.randrange(5)
        insert = f"INSERT INTO a VALUES ({self._row('a', number)})"
        return self._dice.choice([insert, insert, f"DELETE FROM a WHERE id = {number}"])

    def _insert_many(self, table: str) -> str:
        rows = ", ".join(f"({self._row(table)})" for _ in range(self._dice.randint(2, 5)))
        return f"INSERT INTO {table} VALUES {rows} ON CONFLICT DO NOTHING"

    def _upsert(self, table: str) -> str:
        kind = self._kind(table)
        key = ", ".join(KEYS[table])
        changes = f"{kind} = excluded.{kind}, n = {table}.n + 1" if kind != "n" else "n = excluded.n"
        return f"{self.insert(table)} ON CONFLICT ({key}) DO UPDATE SET {changes}"

    def _update(self, table: str) -> str:
        kinds = {self._kind(table) for _ in range(self._dice.choice([1, 1, 1, 2, 3]))}
        changes = ", ".join(f"{kind} = {self._value(kind)}" for kind in sorted(kinds))
        return f"UPDATE {table} SET {changes} WHERE {self._one(table)}"

    def _update_some(self, table: str) -> str:
        kind = self._kind(table)
        return f"UPDATE {table} SET {kind} = {self._value(kind)} WHERE {self._some(table)}"

    def _same(self, table: str) -> str:
        kind = self._kind(table)
        return f"UPDATE {table} SET {kind} = {kind} WHERE {self._some(table)}"

    def _twin(self, table: str) -> str:
        """A value becomes another that is equal, or nearly."""
        kinds = [kind for kind in self._palette.kinds(table) if kind in TWINS]
        if not kinds:
            return self._same(table)
        kind = self._dice.choice(kinds)
        twins = [literal(kind, value) for value in self._dice.sample(TWINS[kind], 2)]
        return (
            f"UPDATE {table} SET {kind} = CASE WHEN {kind} = {twins[0]} THEN {twins[1]} ELSE {twins[0]} END"
        )

    def _step(self, table: str) -> str:
        return self._dice.choice(
            [
                f"UPDATE {table} SET n = n + 1",
                f"UPDATE {table} SET flag = NOT flag",
                f"UPDATE {table} SET s = s || 'a' WHERE length(s) < 3",
                f"UPDATE {table} SET n = (n + 1) % 4 WHERE {self._some(table)}",
                f"UPDATE {table} SET n = CASE WHEN n IS NULL THEN 0 END",
            ]
        )

    def _move(self, table: str) -> str:
        name = self._dice.choice(KEYS[table])
        return f"UPDATE {table} SET {name} = {self._key_value(name)} WHERE {self._one(table)}"

    def _swap(self, table: str) -> str:
        """Keys or values change places."""
        if table == "a":
            return "UPDATE a SET id = id + 100 WHERE id < 3" if self._dice.chance(0.5) else (
                "UPDATE a SET id = id - 100 WHERE id >= 100"
            )  # fmt: skip
        first = KEYS[table][-1]
        return f"UPDATE {table} SET {first} = coalesce(s, ''), s = {first} WHERE {self._one(table)}"

    def _delete(self, table: str) -> str:
        return f"DELETE FROM {table} WHERE {self._one(table)}"

    def _delete_some(self, table: str) -> str:
        return f"DELETE FROM {table} WHERE {self._some(table)}"

    def _bulk(self, table: str) -> str:
        """More rows than are announced one by one."""
        if table == "a":
            many = "INSERT INTO a (id, n) SELECT i, i % 4 FROM generate_series(0, 9) i"
            return f"{many} ON CONFLICT (id) DO UPDATE SET n = 0"
        if table == "b":
            many = "INSERT INTO b (a_id, k, n) SELECT id, 'k' || i, i FROM a, generate_series(0, 2) i"
            return f"{many} ON CONFLICT DO NOTHING"
        return self._dice.choice(
            [
                "INSERT INTO c (code, n) SELECT code || '+', 1 FROM c ON CONFLICT DO NOTHING",
                "INSERT INTO c (code, n) SELECT 'i' || i, i FROM generate_series(0, 5) i",
                f"UPDATE c SET n = {self._value('n')}, s = {self._value('s')}",
                "DELETE FROM c",
            ]
        )

    def _truncate(self, table: str) -> str:
        return self._dice.choice(["TRUNCATE c", "TRUNCATE b", "TRUNCATE b, c", "TRUNCATE a CASCADE"])

    def _chain(self, table: str) -> str:
        """Two tables in one statement, or one row twice in it."""
        other = self._dice.choice("abc")
        return (
            f"WITH gone AS (DELETE FROM {table} WHERE {self._one(table)} RETURNING n) "
            f"UPDATE {other} SET n = coalesce((SELECT max(n) FROM gone), {self._value('n')}) "
            f"WHERE {self._some(other)}"
        )

    def _merge(self, table: str) -> str:
        return (
            f"MERGE INTO a USING (VALUES ({self._id()}), ({self._id()})) v(id) ON a.id = v.id "
            f"WHEN MATCHED AND a.n > 1 THEN DELETE WHEN MATCHED THEN UPDATE SET n = {self._value('n')} "
            f"WHEN NOT MATCHED THEN INSERT (id, s) VALUES (v.id, {self._value('s')})"
        )

    def _foreign(self, table: str) -> str:
        return self._dice.choice(
            [
                "UPDATE b SET n = a.n FROM a WHERE a.id = b.a_id AND a.flag IS TRUE",
                "UPDATE b SET n = a.n, s = a.s FROM a WHERE a.id = b.a_id AND a.flag IS NULL",
                f"UPDATE c SET a_id = {self._id()} WHERE {self._some('c')}",
                "UPDATE c SET a_id = NULL",
                "DELETE FROM b USING a WHERE a.id = b.a_id AND a.n = 1",
            ]
        )

    # -- parts

    def _row(self, table: str, number: int | None = None) -> str:
        keys = {
            "a": [str(number if number is not None else self._id())],
            "b": [str(self._id()), self._key_value("k")],
            "c": [self._key_value("code"), self._dice.choice(["NULL", str(self._id())])],
        }
        return ", ".join([*keys[table], *(self._value(kind) for kind in self._palette.kinds(table))])

    def _one(self, table: str) -> str:
        if table == "b" and self._dice.chance(0.3):
            return f"a_id = {self._id()}"
        return " AND ".join(f"{name} = {self._key_value(name)}" for name in KEYS[table])

    def _some(self, table: str) -> str:
        kind = self._kind(table)
        if self._dice.chance(0.3) or kind in ("j", "xs"):
            return f"{kind} IS {self._dice.choice(['', 'NOT '])}NULL"
        value = literal(kind, self._palette.value(kind))
        return f"{kind} {self._dice.choice(['=', '<=', '>', '<>'])} {value}"

    def _key_value(self, name: str) -> str:
        return str(self._id()) if name in ("id", "a_id") else literal("s", self._dice.choice(_CODES))

    def _id(self) -> int:
        return self._dice.randrange(self._ids)

    def _value(self, kind: str) -> str:
        return literal(kind, None if self._dice.chance(0.2) else self._palette.value(kind))

    def _kind(self, table: str) -> str:
        return self._palette.kind(table)
