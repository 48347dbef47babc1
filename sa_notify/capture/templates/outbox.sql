-- The schema of the outbox: its comment, which tells the version, and the names of what is in it.
SELECT pg_catalog.obj_description(s.oid, 'pg_namespace') AS comment,
       ARRAY(
           SELECT c.relname::text FROM pg_catalog.pg_class c
           WHERE c.relnamespace = s.oid AND c.relkind IN ('r', 'S') ORDER BY 1
       ) AS relations
FROM pg_catalog.pg_namespace s
WHERE s.nspname = 'sa_notify'
