-- Blocks of DDL around the function. Each is one statement: asyncpg refuses several at once.
-- Functions are named with their schema, and operators have operands of just their types: whoever may create
-- objects where search_path leads could else have overloads of their own run by the role that migrates.
-- block: lock
DO $sa_notify$
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(1935764085, 1);
END
$sa_notify$
-- block: drop_outbox
DO $sa_notify$
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(1935764085, 1);
  IF EXISTS (
    SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE pg_catalog.starts_with(p.proname, 'sa_notify_') AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
      AND pg_catalog.strpos(pg_catalog.split_part(p.prosrc, pg_catalog.chr(10), 1), '"delivery": "outbox"') > 0
  ) THEN
    RAISE NOTICE 'The outbox stays, since tables of another metadata or project use it';
    RETURN;
  END IF;
{{statements}}
END
$sa_notify$
-- block: for_its_owner
-- whoever may execute it can put it on a table with types and casts of their own, which run as its owner
REVOKE EXECUTE ON FUNCTION {{function}}() FROM PUBLIC
-- block: prepare
DO $sa_notify$
DECLARE
  found record;
BEGIN
  -- two upgrades at once would fail with "tuple concurrently updated"
  PERFORM pg_catalog.pg_advisory_xact_lock(1935764085, 1);
  FOR found IN
    SELECT c.oid::regclass AS name, CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'view' END AS kind
    FROM pg_catalog.pg_class c WHERE c.oid = {{relation}}::regclass::oid AND c.relkind IN ('v', 'm', 'f')
  LOOP
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = pg_catalog.concat(
        found.name, ' is a ', found.kind, ', whose changes no trigger sees: take @realtime from it'),
      HINT = 'Decorate the models of the tables that it reads; a query over it then is read by the clock.';
  END LOOP;
  -- PostgreSQL refuses what is written to one of these through a table with our triggers
  FOR found IN
    WITH RECURSIVE family AS (
      SELECT {{relation}}::regclass::oid AS member
      UNION
      SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.member
    )
    SELECT c.oid::regclass AS name
    FROM family JOIN pg_catalog.pg_class c ON c.oid = family.member
    WHERE c.relkind = 'f'
  LOOP
    RAISE EXCEPTION USING
      ERRCODE = 'wrong_object_type',
      MESSAGE = pg_catalog.concat(
        found.name, ' is a foreign table and a partition or child of ', {{relation}}::regclass,
        ', whose triggers would have PostgreSQL refuse writes to it: take @realtime from ', {{relation}}::regclass),
      HINT = 'Decorate models of its other partitions or children, or detach the foreign table.';
  END LOOP;
  -- CREATE OR REPLACE would take somebody else's object for ours
  FOR found IN
    WITH RECURSIVE family AS (
      SELECT {{relation}}::regclass::oid AS member
      UNION
      SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.member
    )
    SELECT pg_catalog.concat('trigger ', t.tgname, ' on ', t.tgrelid::regclass) AS name
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid IN (SELECT family.member FROM family) AND NOT t.tgisinternal
      AND t.tgname IN ('_sa_notify_ins', '_sa_notify_upd', '_sa_notify_del', '_sa_notify_trunc', '_sa_notify_row')
      AND NOT (pg_catalog.starts_with(p.proname, 'sa_notify_') AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:'))
    UNION ALL
    SELECT pg_catalog.concat('function ', p.oid::regprocedure)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_class c ON c.relnamespace = p.pronamespace
    WHERE c.oid = {{relation}}::regclass::oid AND p.proname = '{{function_name}}' AND p.pronargs = 0
      AND NOT pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
  LOOP
    RAISE EXCEPTION USING
      ERRCODE = 'duplicate_object',
      MESSAGE = pg_catalog.concat(found.name, ' is not of sa_notify: rename or drop it');
  END LOOP;
  -- a renamed or moved table brings its function along, unless a table that it was a partition of has it
  FOR found IN
    WITH RECURSIVE family AS (
      SELECT {{relation}}::regclass::oid AS member
      UNION
      SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.member
    )
    SELECT p.oid::regprocedure AS handler, p.oid, p.proname, p.pronamespace, c.relnamespace
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    WHERE t.tgrelid = {{relation}}::regclass::oid AND t.tgname = '_sa_notify_ins' AND NOT t.tgisinternal
      AND pg_catalog.starts_with(p.proname, 'sa_notify_') AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger other
        WHERE other.tgfoid = p.oid AND other.tgrelid NOT IN (SELECT family.member FROM family)
      )
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc other
        WHERE other.pronamespace = c.relnamespace AND other.proname = '{{function_name}}'
      )
  LOOP
    IF found.pronamespace <> found.relnamespace THEN
      EXECUTE pg_catalog.concat('ALTER FUNCTION ', found.handler, ' SET SCHEMA ', found.relnamespace::regnamespace);
    END IF;
    IF found.proname <> '{{function_name}}' THEN
      EXECUTE pg_catalog.concat('ALTER FUNCTION ', found.oid::regprocedure, ' RENAME TO {{function_name}}');
    END IF;
  END LOOP;
  -- switched to always with the option, which goes; one that somebody switched by hand stays so
  FOR found IN
    WITH RECURSIVE family AS (
      SELECT {{relation}}::regclass::oid AS member
      UNION
      SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.member
    )
    SELECT t.tgrelid::regclass AS relation
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE NOT {{always}} AND t.tgrelid IN (SELECT family.member FROM family)
      AND t.tgname = '_sa_notify_trunc' AND t.tgenabled = 'A' AND NOT t.tgisinternal
      AND p.oid = (
        SELECT own.tgfoid FROM pg_catalog.pg_trigger own
        WHERE own.tgrelid = {{relation}}::regclass::oid AND own.tgname = '_sa_notify_ins'
      )
      AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
      AND pg_catalog.strpos(pg_catalog.split_part(p.prosrc, pg_catalog.chr(10), 1), '"always": true') > 0
  LOOP
    EXECUTE pg_catalog.concat('ALTER TABLE ', found.relation, ' ENABLE TRIGGER _sa_notify_trunc');
  END LOOP;
END
$sa_notify$
-- block: beside_its_table
DO $sa_notify_do$
DECLARE
  -- search_path may find the table behind other schemas
  place CONSTANT regnamespace := (
    SELECT c.relnamespace FROM pg_catalog.pg_class c WHERE c.oid = {{relation}}::regclass::oid
  );
BEGIN
  EXECUTE pg_catalog.concat('CREATE OR REPLACE FUNCTION ', place, '.', $sa_notify_function${{definition}}
$sa_notify_function$);
  EXECUTE pg_catalog.concat('REVOKE EXECUTE ON FUNCTION ', place, '.{{function_name}}() FROM PUBLIC');
END
$sa_notify_do$
-- block: shells
DO $sa_notify$
DECLARE
  handler CONSTANT regprocedure := (
    SELECT p.oid
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_class c ON c.relnamespace = p.pronamespace
    WHERE c.oid = {{relation}}::regclass::oid AND p.proname = '{{function_name}}' AND p.pronargs = 0
  );
  always CONSTANT bool := {{always}};
  shell record;
  state text;
BEGIN
  FOR shell IN
    -- a statement that names a partition or a child fires no trigger of the table above it
    WITH RECURSIVE member AS (
      SELECT {{relation}}::regclass::oid AS relation
      UNION
      SELECT i.inhrelid
      FROM member JOIN pg_catalog.pg_inherits i ON i.inhparent = member.relation
      WHERE NOT EXISTS (
        -- captured for itself
        SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgrelid = i.inhrelid AND t.tgname = '_sa_notify_ins' AND t.tgfoid <> handler::oid
          AND pg_catalog.starts_with(p.proname, 'sa_notify_') AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
      )
    )
    SELECT c.oid::regclass AS relation, s.*, t.tgfoid = handler::oid AS ours,
      t.tgfoid IS NOT DISTINCT FROM handler::oid AND t.tgtype = s.type
        AND t.tgoldtable::text IS NOT DISTINCT FROM s.old_rows
        AND t.tgnewtable::text IS NOT DISTINCT FROM s.new_rows
        AND t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgattr::text = '' AS whole,
      t.tgenabled::text AS enabled
    FROM member
    JOIN pg_catalog.pg_class c ON c.oid = member.relation AND c.relkind IN ('r', 'p')
    CROSS JOIN (VALUES
      ('_sa_notify_ins', 'INSERT', 4, NULL, '_sa_notify_new', 'O', '{}'),
      ('_sa_notify_upd', 'UPDATE', 16, '_sa_notify_old', '_sa_notify_new', 'O', '{}'),
      ('_sa_notify_del', 'DELETE', 8, '_sa_notify_old', NULL, 'O', '{}'),
      ('_sa_notify_trunc', 'TRUNCATE', 32, NULL, NULL, CASE WHEN always THEN 'A' ELSE 'O' END,
       CASE WHEN always THEN '{O}' ELSE '{}' END),
      ('_sa_notify_row', 'INSERT OR UPDATE OR DELETE', 29, NULL, NULL, CASE WHEN always THEN 'R' END, '{O,A}')
    ) AS s(name, event, type, old_rows, new_rows, wanted, replaced)
    LEFT JOIN pg_catalog.pg_trigger t
      ON t.tgrelid = c.oid AND t.tgname = s.name AND NOT t.tgisinternal AND t.tgparentid = CAST(0 AS oid)
    -- PostgreSQL would copy a partitioned table's row triggers to its partitions, which have their own
    WHERE s.type <> 29 OR c.relkind = 'r'
    ORDER BY member.relation, s.name
  LOOP
    IF shell.wanted IS NULL THEN
      IF shell.ours THEN
        EXECUTE pg_catalog.concat('DROP TRIGGER ', shell.name, ' ON ', shell.relation);
      END IF;
      CONTINUE;
    END IF;
    -- a disabled trigger stays disabled
    state := CASE WHEN shell.enabled IS NULL OR shell.enabled = ANY (shell.replaced::text[]) THEN shell.wanted
                  ELSE shell.enabled END;
    IF shell.whole IS NOT TRUE THEN
      EXECUTE pg_catalog.concat(
        'CREATE OR REPLACE TRIGGER ', shell.name, ' AFTER ', shell.event, ' ON ', shell.relation,
        CASE WHEN shell.type < 29 THEN ' REFERENCING' END,
        ' OLD TABLE AS ' || shell.old_rows, ' NEW TABLE AS ' || shell.new_rows,
        ' FOR EACH ', CASE WHEN shell.type = 29 THEN 'ROW' ELSE 'STATEMENT' END,
        ' EXECUTE FUNCTION ', handler);
    END IF;
    -- CREATE OR REPLACE switches a disabled trigger on
    IF state <> (CASE WHEN shell.whole THEN shell.enabled ELSE 'O' END) THEN
      EXECUTE pg_catalog.concat(
        'ALTER TABLE ', shell.relation,
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
    WITH RECURSIVE family AS (
      SELECT pg_catalog.to_regclass({{relation}})::oid AS member
      UNION
      SELECT i.inhrelid FROM family JOIN pg_catalog.pg_inherits i ON i.inhparent = family.member
    ), handler AS (
      SELECT DISTINCT p.oid
      FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
      WHERE t.tgrelid = pg_catalog.to_regclass({{relation}})::oid
        AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
    )
    SELECT t.tgname, t.tgfoid, t.tgrelid::regclass AS relation
    FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid IN (SELECT family.member FROM family) AND t.tgfoid IN (SELECT handler.oid FROM handler)
      AND NOT t.tgisinternal AND t.tgparentid = CAST(0 AS oid)
      AND t.tgname IN ('_sa_notify_ins', '_sa_notify_upd', '_sa_notify_del', '_sa_notify_trunc', '_sa_notify_row')
  LOOP
    handlers := pg_catalog.array_append(handlers, found.tgfoid);
    EXECUTE pg_catalog.concat('DROP TRIGGER ', pg_catalog.quote_ident(found.tgname), ' ON ', found.relation);
  END LOOP;
  FOR found IN
    SELECT p.oid::regprocedure AS handler
    FROM pg_catalog.pg_proc p
    WHERE (p.oid = pg_catalog.to_regprocedure({{handler}})::oid OR p.oid = ANY (handlers))
      AND pg_catalog.starts_with(p.proname, 'sa_notify_') AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid)
  LOOP
    EXECUTE pg_catalog.concat('DROP FUNCTION ', found.handler);
  END LOOP;
END
$sa_notify$
