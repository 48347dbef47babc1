-- Every function of ours with the triggers that call it; a function that none calls comes alone.
SELECT ps.nspname AS function_schema, p.proname AS function_name, p.prosrc AS body,
       ts.nspname AS table_schema, c.relname AS table_name,
       coalesce(pg_table_is_visible(c.oid), false) AS visible,
       coalesce(json_agg(json_build_object(
           'name', t.tgname, 'enabled', t.tgenabled, 'type', t.tgtype,
           'old', t.tgoldtable, 'new', t.tgnewtable,
           'plain', t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgattr::text = ''
       ) ORDER BY t.tgname) FILTER (WHERE t.oid IS NOT NULL), '[]') AS shells
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace ps ON ps.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND NOT t.tgisinternal AND t.tgparentid = 0
    AND t.tgname IN ('_sa_notify_ins', '_sa_notify_upd', '_sa_notify_del', '_sa_notify_trunc')
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
LEFT JOIN pg_catalog.pg_namespace ts ON ts.oid = c.relnamespace
WHERE starts_with(p.proname, 'sa_notify_') AND starts_with(p.prosrc, '-- sa_notify:')
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = CAST('pg_catalog.pg_proc' AS regclass) AND d.objid = p.oid AND d.deptype = 'e'
  )
GROUP BY ps.nspname, p.proname, p.prosrc, ts.nspname, c.relname, c.oid
ORDER BY ts.nspname, c.relname, ps.nspname, p.proname
