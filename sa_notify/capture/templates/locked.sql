-- The relations that this transaction has read, members of a family that it has read left out.
WITH locked AS (
    SELECT DISTINCT c.oid
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND s.nspname NOT IN ('pg_catalog', 'pg_toast')
)
SELECT locked.oid::bigint FROM locked
WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_inherits i JOIN locked parent ON parent.oid = i.inhparent
    WHERE i.inhrelid = locked.oid
)
