-- What announces changes of the tables asked for: one row for each that exists.
WITH RECURSIVE asked AS (
    SELECT a.i, pg_catalog.to_regclass(COALESCE(a.q,
        pg_catalog.concat(pg_catalog.quote_ident(a.s) || '.', pg_catalog.quote_ident(a.n))
    ))::oid AS relation
    FROM pg_catalog.json_to_recordset(CAST(:tables AS json)) AS a(i int, s text, n text, q text)
), down AS (
    SELECT i, relation AS member FROM asked WHERE relation IS NOT NULL
    UNION
    SELECT down.i, inhrelid FROM down JOIN pg_catalog.pg_inherits ON inhparent = down.member
), up AS (
    SELECT i, relation AS member FROM asked WHERE relation IS NOT NULL
    UNION
    SELECT up.i, inhparent FROM up JOIN pg_catalog.pg_inherits ON inhrelid = up.member
), member AS (
    SELECT family.i, family.member AS relation, c.relkind AS kind,
           pg_catalog.concat(pg_catalog.quote_ident(s.nspname), '.', pg_catalog.quote_ident(c.relname)) AS name,
           pg_catalog.concat(c.oid, '/', c.relfilenode) AS incarnation,
           EXISTS (SELECT FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid = c.oid) AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
               WHERE t.tgrelid = c.oid AND t.tgname = '_sa_notify_row' AND t.tgenabled IN ('R', 'A')
                 AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
           ) AS subscribed,
           4 = (
               SELECT pg_catalog.count(*)
               FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
               WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
                 AND t.tgname IN ('_sa_notify_ins', '_sa_notify_upd', '_sa_notify_del', '_sa_notify_trunc')
                 AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
           ) AS announces,
           ARRAY(
               SELECT pg_catalog.split_part(p.prosrc, pg_catalog.chr(10), 1)
               FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
               WHERE t.tgrelid = c.oid AND t.tgname = '_sa_notify_upd'
                 AND pg_catalog.starts_with(p.prosrc, '-- sa_notify:')
           ) AS headers
    FROM (TABLE down UNION TABLE up) AS family
    JOIN pg_catalog.pg_class c ON c.oid = family.member
    JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
)
SELECT asked.i, asked.relation::bigint AS relation, self.name, self.kind::text AS kind, self.announces,
       pg_catalog.row_security_active(asked.relation) AS row_security,
       ARRAY(
           SELECT pg_catalog.unnest(other.headers) FROM member other WHERE other.i = asked.i
       ) AS headers,
       ARRAY(
           SELECT other.name FROM member other
           WHERE other.i = asked.i AND other.relation <> asked.relation
       ) AS relatives,
       ARRAY(
           SELECT other.name FROM member other
           WHERE other.i = asked.i AND other.relation <> asked.relation AND NOT other.announces
       ) AS silent_relatives,
       ARRAY(SELECT other.name FROM member other WHERE other.i = asked.i AND other.subscribed) AS subscribed,
       ARRAY(SELECT other.incarnation FROM member other WHERE other.i = asked.i) AS incarnations,
       ARRAY(
           SELECT a.attname::text FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = asked.relation AND NOT a.attisdropped
       ) AS columns,
       ARRAY(
           SELECT a.attname::text FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = asked.relation AND a.attgenerated = 'v' AND NOT a.attisdropped
       ) AS computed,
       (
           SELECT pg_catalog.md5(pg_catalog.string_agg(
               pg_catalog.concat(e.oid, ' ', e.enumlabel), ',' ORDER BY e.oid
           ))
           FROM pg_catalog.pg_enum e WHERE e.enumtypid IN (
               SELECT pg_catalog.unnest(ARRAY[t.oid, t.typelem, t.typbasetype])
               FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
               WHERE a.attrelid = asked.relation AND a.attnum > 0 AND NOT a.attisdropped
           )
       ) AS labels,
       (
           SELECT pg_catalog.json_object_agg(a.attname, CASE
               WHEN NOT c.collisdeterministic THEN 'nondeterministic'
               WHEN base.typtype = 'e' THEN 'enum'
               WHEN base.typnamespace <> 'pg_catalog'::regnamespace::oid THEN 'other'
               ELSE base.typname
           END)
           FROM pg_catalog.pg_attribute a
           JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
           JOIN pg_catalog.pg_type base ON base.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
           LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
           WHERE a.attrelid = asked.relation AND a.attnum > 0 AND NOT a.attisdropped
       ) AS types,
       pg_catalog.current_setting('quote_all_identifiers')::bool AS quotes_all
FROM asked JOIN member self ON self.i = asked.i AND self.relation = asked.relation
