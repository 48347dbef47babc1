"""SQL written as text is read word by word, and what can't be read is never passed over."""

import pytest

from sa_notify.live.words import words_of


def test_whatever_may_be_a_relation_is_named() -> None:
    """With and without its schema; keywords are not, columns may be."""
    found = words_of(
        'SELECT a.b, "C d" FROM x.Y AS z JOIN "order" USING (id) WHERE (e).f > :g AND h IN (1, .5e3)'
    )

    assert {(None, "order"), ("x", "y"), (None, "C d"), (None, "h"), ("a", "b"), (None, "z")} <= found.names
    assert {name for _, name in found.names}.isdisjoint({"select", "from", "in", "and", "g", "using"})
    assert {"b", "C d", "id", "e", "f", "h"} <= found.plain


def test_whatever_may_be_called_is_named() -> None:
    """For its parentheses, or as an attribute of a row."""
    found = words_of('SELECT f(g (1)), s."H"(x), count(*), (r).t, u.v FROM (VALUES (1)) AS w(z)')

    assert found.called >= {(None, "f"), (None, "g"), ("s", "H"), (None, "count"), (None, "w")}
    assert {"t", "v"} <= found.plain


@pytest.mark.parametrize(
    ("sql", "operators"),
    [("a+b", {"+"}), ("a<=-b", {"<=", "<=-", "=", "-"}), ("a @>> b", {"@>>", "@", ">>"}), ("a--b", set())],
)
def test_operators(sql: str, operators: set[str]) -> None:
    """However PostgreSQL takes a row of operator characters apart."""
    assert operators <= words_of(sql).operators
    assert "--" not in words_of(sql).operators


@pytest.mark.parametrize(
    ("sql", "types", "labels"),
    [
        ("a::date", {"date"}, set()),
        ("(a || 'x')::s.day[]", {"day"}, set()),
        ("'2026-01-01'::date", set(), set()),
        ("CAST('2026-01-01' AS date)", set(), set()),
        ("CAST(:day AS date)", set(), set()),
        ("CAST(a || :day AS date)", set(), {"date"}),
        ("a AS total", set(), {"total"}),
        ("date(a)", set(), {"date"}),
        ("date('2026-01-01')", set(), set()),
        ("date('2026-' || a)", set(), {"date"}),
        ("$1::date", {"date"}, set()),
        ("'items'::regclass", {"regclass"}, set()),
        ("regclass 'items'", {"regclass"}, set()),
        ("lower(a, b)", set(), set()),
        ("f(g(a, b))", set(), {"f"}),
        ("SELECT * FROM json_to_record('{}') AS x(d date)", {"date"}, set()),
    ],
)
def test_what_values_are_made_into(sql: str, types: set[str], labels: set[str]) -> None:
    """A literal's text can be looked at here, that of other values can't."""
    found = words_of(sql)

    assert (found.types, found.labels - {"x"}) == (types, labels)


@pytest.mark.parametrize(
    "sql",
    [
        r"E'\x61'",
        "e'a'",
        r"U&'\0061'",
        r'U&"\0061"',
        "$$a$$",
        "$a$b$a$",
        "'a' 'b'",
        "'a'\n'b'",
        "/* /* */ now() */",
        "'a",
        '"a',
        r"'a\'",
        "X'1f'",
        "1a",
        "\0",
    ],
)
def test_what_is_unclear(sql: str) -> None:
    """It may hide a name, a moment or the end of a string."""
    assert words_of(f"SELECT {sql}").unclear


@pytest.mark.parametrize(
    "sql",
    [
        "due < 'today'",
        "due IN ('{2026-01-01,yesterday}')",
        "due < 'TOMORROW 04:00'",
        "current_date",
        "CURRENT_TIMESTAMP(3)",
        "user",
        "items TABLESAMPLE system (5)",
    ],
)
def test_what_moves(sql: str) -> None:
    """Moments, the session and chance."""
    assert words_of(f"SELECT {sql}").doubts


def test_what_does_not_move() -> None:
    """Names in quotes and after a point, remarks, and words that only begin so."""
    found = words_of('SELECT "user", u.user, "current_date", \'nowhere\' /* today */ -- \'now\'\nFROM "now"')

    assert (found.doubts, found.unclear) == (set(), set())


def test_settings_that_are_asked_for() -> None:
    """By their names; one that is computed is a function like any other."""
    found = words_of("current_setting('App.Tenant') = pg_catalog.current_setting('app.x', true)")
    computed = words_of("current_setting('app.' || x)")

    assert (found.settings, found.called) == ({"app.tenant", "app.x"}, set())
    assert computed.called == {(None, "current_setting")}


def test_columns_of_other_tables() -> None:
    """A condition names them; a subquery may take a whole row under a name of its own."""
    assert "*" not in words_of("price * 2 > 3 AND lower(title) = 'x'").columns
    assert {"*", "price"} <= words_of("price > (SELECT 1 FROM items i WHERE i = i)").columns
