-- Every function of ours with the table whose triggers call it; a function that none calls comes alone.
-- Partitions and children that call it too belong to that table.
WITH RECURSIVE ours AS (
    SELECT p.oid, p.proname, p.prosrc, s.nspname, p.proconfig, p.prosecdef,
           p.provolatile = 'v' AND p.procost = CAST(100 AS float4) AND p.proparallel = 'u'
               AND NOT p.proisstrict AND NOT p.proleakproof AS plain,
           EXISTS (
               SELECT FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) granted
               WHERE granted.grantee = CAST(0 AS oid)
           ) AS public
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
    WHERE pg_catalog.starts_with(p.proname, 'sa_notify_') AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = CAST(CAST('pg_catalog.pg_proc' AS regclass) AS oid)
            AND d.objid = p.oid AND d.deptype = 'e'
      )
), shell AS (
    SELECT t.tgrelid, t.tgfoid, pg_catalog.json_build_object(
               'name', t.tgname, 'enabled', t.tgenabled, 'type', t.tgtype,
               'old', t.tgoldtable, 'new', t.tgnewtable,
               'plain', t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgattr::text = ''
           ) AS described
    FROM pg_catalog.pg_trigger t JOIN ours ON ours.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND t.tgparentid = CAST(0 AS oid) AND t.tgname IN (
        '_sa_notify_ins', '_sa_notify_upd', '_sa_notify_del', '_sa_notify_trunc', '_sa_notify_row')
), below AS (
    SELECT DISTINCT shell.tgfoid AS handler, shell.tgrelid AS owner, i.inhrelid AS relation
    FROM shell JOIN pg_catalog.pg_inherits i ON i.inhparent = shell.tgrelid
    UNION
    SELECT below.handler, below.owner, i.inhrelid
    FROM below JOIN pg_catalog.pg_inherits i ON i.inhparent = below.relation
    -- what is below a member that is captured for itself is that one's
    WHERE NOT EXISTS (
        SELECT FROM shell WHERE shell.tgrelid = below.relation AND shell.tgfoid <> below.handler
    )
), table_of AS (
    SELECT DISTINCT shell.tgfoid AS handler, shell.tgrelid AS relation FROM shell
    EXCEPT
    SELECT below.handler, below.relation FROM below
)
SELECT ours.nspname AS function_schema, ours.proname AS function_name, ours.prosrc AS body,
       ours.proconfig AS settings, ours.prosecdef AS definer, ours.plain, ours.public,
       s.nspname AS table_schema, c.relname AS table_name, CAST(c.relkind AS text) AS kind,
       coalesce(pg_catalog.pg_table_is_visible(c.oid), false) AS visible,
       coalesce((
           SELECT pg_catalog.json_agg(shell.described)
           FROM shell WHERE shell.tgrelid = table_of.relation AND shell.tgfoid = ours.oid
       ), '[]') AS shells,
       coalesce((
           SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
               'schema', ms.nspname, 'table', m.relname, 'kind', m.relkind, 'shells', (
                   SELECT coalesce(pg_catalog.json_agg(shell.described), '[]')
                   FROM shell WHERE shell.tgrelid = m.oid AND shell.tgfoid = ours.oid
               )) ORDER BY ms.nspname, m.relname)
           FROM below
           JOIN pg_catalog.pg_class m ON m.oid = below.relation AND m.relkind IN ('r', 'p')
           JOIN pg_catalog.pg_namespace ms ON ms.oid = m.relnamespace
           WHERE below.owner = table_of.relation AND below.handler = ours.oid
             AND NOT EXISTS (
                 SELECT FROM shell WHERE shell.tgrelid = m.oid AND shell.tgfoid <> ours.oid
             )
       ), '[]') AS members
FROM ours
LEFT JOIN table_of ON table_of.handler = ours.oid
LEFT JOIN pg_catalog.pg_class c ON c.oid = table_of.relation
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
ORDER BY s.nspname, c.relname, ours.nspname, ours.proname
