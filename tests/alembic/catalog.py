"""All that a database's catalog says of what users made, to compare two states of one database."""

from typing import Any

from sqlalchemy import Engine

_CATALOG = """
WITH s AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), c AS (
    SELECT c.* FROM pg_class c JOIN s ON s.oid = c.relnamespace
    WHERE c.relname !~ '^alembic_version'
)
SELECT 'schema', nspname::text, concat_ws(' ', nspowner::regrole, nspacl) FROM s
UNION ALL
SELECT 'relation', c.oid::regclass::text, concat_ws(' ', c.relkind, c.relowner::regrole, c.relacl,
       c.reloptions, c.relpersistence, c.relrowsecurity, c.relreplident, obj_description(c.oid, 'pg_class'))
FROM c
UNION ALL
SELECT 'column', concat(c.oid::regclass, '.', a.attname), concat_ws(' ',
       format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attacl,
       a.attstorage, col_description(c.oid, a.attnum), pg_get_expr(d.adbin, d.adrelid))
FROM c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v')
UNION ALL
SELECT 'constraint', concat(k.conrelid::regclass, '.', k.conname), pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN c ON c.oid = k.conrelid
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN c ON c.oid = i.indrelid
UNION ALL
SELECT 'function', p.oid::regprocedure::text,
       concat((to_jsonb(p) - 'oid')::text, p.proacl, obj_description(p.oid, 'pg_proc'))
FROM pg_proc p JOIN s ON s.oid = p.pronamespace
UNION ALL
SELECT 'trigger', concat(t.tgrelid::regclass, '.', t.tgname), concat_ws(' ',
       t.tgfoid::regprocedure, t.tgenabled, t.tgtype, t.tgattr, t.tgargs, t.tgoldtable, t.tgnewtable,
       t.tgdeferrable, pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'))
FROM pg_trigger t JOIN c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'default rights', concat(defaclrole::regrole, defaclobjtype), defaclacl::text FROM pg_default_acl
UNION ALL
SELECT 'extension', extname::text, extversion::text FROM pg_extension
ORDER BY 1, 2
"""


def catalog(engine: Engine) -> dict[tuple[str, str], Any]:
    """What stands, by kind and name; the tables of Alembic itself left out."""
    with engine.connect() as connection:
        return {(kind, name): rest for kind, name, rest in connection.exec_driver_sql(_CATALOG)}


def run(engine: Engine, *statements: str) -> None:
    """Statements by hand, in one transaction."""
    with engine.begin() as connection:
        for statement in statements:
            # not text(): statements hold colons
            connection.exec_driver_sql(statement.replace("%", "%%"))
