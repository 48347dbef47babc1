-- Blocks of DDL around the function. Each is one statement: asyncpg refuses several at once.
-- block: prepare
DO $sa_notify$
DECLARE
  found record;
BEGIN
  -- two upgrades at once would fail with "tuple concurrently updated"
  PERFORM pg_catalog.pg_advisory_xact_lock(1935764085, 1);
  -- a renamed or moved table brings its function along
  FOR found IN
    SELECT p.oid::regprocedure AS handler, p.oid, p.proname, p.pronamespace, c.relnamespace
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    WHERE t.tgrelid = {{relation}}::regclass AND t.tgname = '_sa_notify_ins' AND NOT t.tgisinternal
      AND starts_with(p.proname, 'sa_notify_') AND starts_with(p.prosrc, '-- sa_notify:')
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc other
        WHERE other.pronamespace = c.relnamespace AND other.proname = '{{function_name}}'
      )
  LOOP
    IF found.pronamespace <> found.relnamespace THEN
      EXECUTE concat('ALTER FUNCTION ', found.handler, ' SET SCHEMA ', found.relnamespace::regnamespace);
    END IF;
    IF found.proname <> '{{function_name}}' THEN
      EXECUTE concat('ALTER FUNCTION ', found.oid::regprocedure, ' RENAME TO {{function_name}}');
    END IF;
  END LOOP;
END
$sa_notify$
-- block: shells
DO $sa_notify$
DECLARE
  relation CONSTANT regclass := {{relation}};
  handler CONSTANT regprocedure := {{handler}};
  shell record;
  state "char";
BEGIN
  FOR shell IN
    SELECT * FROM (VALUES
      ('_sa_notify_ins', 'INSERT', 4, NULL, '_sa_notify_new'),
      ('_sa_notify_upd', 'UPDATE', 16, '_sa_notify_old', '_sa_notify_new'),
      ('_sa_notify_del', 'DELETE', 8, '_sa_notify_old', NULL),
      ('_sa_notify_trunc', 'TRUNCATE', 32, NULL, NULL)
    ) AS s(name, event, type, old_rows, new_rows)
    WHERE NOT EXISTS (
      SELECT FROM pg_catalog.pg_trigger t
      WHERE t.tgrelid = relation AND t.tgname = s.name AND t.tgfoid = handler AND t.tgtype = s.type
        AND t.tgoldtable::text IS NOT DISTINCT FROM s.old_rows
        AND t.tgnewtable::text IS NOT DISTINCT FROM s.new_rows
        AND t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgattr::text = ''
    )
  LOOP
    state := (SELECT t.tgenabled FROM pg_catalog.pg_trigger t WHERE t.tgrelid = relation AND t.tgname = shell.name);
    EXECUTE concat(
      'CREATE OR REPLACE TRIGGER ', shell.name, ' AFTER ', shell.event, ' ON ', relation,
      CASE WHEN shell.type < 32 THEN ' REFERENCING' END,
      ' OLD TABLE AS ' || shell.old_rows, ' NEW TABLE AS ' || shell.new_rows,
      ' FOR EACH STATEMENT EXECUTE FUNCTION ', handler);
    -- CREATE OR REPLACE switches a disabled trigger on
    IF state IN ('D', 'A', 'R') THEN
      EXECUTE concat(
        'ALTER TABLE ', relation,
        CASE state WHEN 'D' THEN ' DISABLE' WHEN 'A' THEN ' ENABLE ALWAYS' ELSE ' ENABLE REPLICA' END,
        ' TRIGGER ', shell.name);
    END IF;
  END LOOP;
END
$sa_notify$
-- block: remove
DO $sa_notify$
DECLARE
  handlers oid[] := '{}';
  found record;
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(1935764085, 1);
  FOR found IN
    SELECT t.tgname, t.tgfoid, t.tgrelid::regclass AS relation
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = to_regclass({{relation}}) AND NOT t.tgisinternal
      AND t.tgname IN ('_sa_notify_ins', '_sa_notify_upd', '_sa_notify_del', '_sa_notify_trunc')
      AND starts_with(p.prosrc, '-- sa_notify:')
  LOOP
    handlers := handlers || found.tgfoid;
    EXECUTE concat('DROP TRIGGER ', quote_ident(found.tgname), ' ON ', found.relation);
  END LOOP;
  FOR found IN
    SELECT p.oid::regprocedure AS handler
    FROM pg_catalog.pg_proc p
    WHERE (p.oid = to_regprocedure({{handler}}) OR p.oid = ANY (handlers))
      AND starts_with(p.proname, 'sa_notify_') AND starts_with(p.prosrc, '-- sa_notify:')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid)
  LOOP
    EXECUTE concat('DROP FUNCTION ', found.handler);
  END LOOP;
END
$sa_notify$
