-- What names and objects mean to a connection: a block that asks, and one for each kind of question, whose
-- answer is JSON. A question is a name, its schema where one is given, or an oid and the catalog that it is of.

-- block: ask
SELECT '{{kind}}' AS kind, asked.schema, asked.name, pg_catalog.md5(found.answer::text) AS digest,
       CASE WHEN CAST(:whole AS boolean) THEN found.answer::text END AS answer
FROM pg_catalog.json_to_recordset(CAST(:{{kind}} AS json)) AS asked(schema text, name text)
CROSS JOIN LATERAL ({{answer}}) AS found(answer)

-- block: named
-- The relation that a name in SQL means.
SELECT pg_catalog.to_json(pg_catalog.to_regclass(
    pg_catalog.concat(pg_catalog.quote_ident(asked.schema) || '.', pg_catalog.quote_ident(asked.name))
)::oid::bigint)

-- block: relation
SELECT (
    SELECT pg_catalog.json_build_object(
        'schema', s.nspname,
        'name', c.relname,
        'kind', c.relkind,
        'system', s.nspname IN ('pg_catalog', 'information_schema', 'pg_toast'),
        'secured', c.relrowsecurity,
        'active', pg_catalog.row_security_active(c.oid),
        'rules', (
            SELECT pg_catalog.json_agg(
                pg_catalog.json_build_object('oid', r.oid::bigint, 'tree', r.ev_action::text) ORDER BY r.oid
            )
            FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '1'
        ),
        'policies', (
            SELECT pg_catalog.json_agg(
                pg_catalog.json_build_object(
                    'oid', p.oid::bigint, 'tree', p.polqual::text, 'applies', EXISTS (
                        SELECT FROM pg_catalog.unnest(p.polroles) AS member(role)
                        WHERE role = 0 OR pg_catalog.pg_has_role(role, 'USAGE')
                    )
                ) ORDER BY p.oid
            )
            FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*')
        )
    )
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
    WHERE c.oid = asked.name::oid
)

-- block: uses
-- What a view's rule, a policy or a function's body names; PostgreSQL's own functions and operators left out.
SELECT pg_catalog.json_build_object(
    'relations', (
        SELECT pg_catalog.json_object_agg(used.relation, used.columns ORDER BY used.relation)
        FROM (
            SELECT d.refobjid::bigint AS relation, pg_catalog.array_remove(
                pg_catalog.array_agg(a.attname::text ORDER BY a.attnum), NULL
            ) AS columns
            FROM pg_catalog.pg_depend d
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = asked.schema::regclass AND d.objid = asked.name::oid
              AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'n'
            GROUP BY d.refobjid
        ) AS used
    ),
    'functions', (
        SELECT pg_catalog.json_agg(DISTINCT COALESCE(o.oprcode::oid, d.refobjid)::bigint)
        FROM pg_catalog.pg_depend d
        LEFT JOIN pg_catalog.pg_operator o
            ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
        WHERE d.classid = asked.schema::regclass AND d.objid = asked.name::oid AND d.deptype = 'n'
          AND (d.refclassid = 'pg_catalog.pg_proc'::regclass OR o.oid IS NOT NULL)
    )
)

-- block: function
SELECT (
    SELECT pg_catalog.json_build_object(
        'schema', s.nspname,
        'name', p.proname,
        'builtin', s.nspname = 'pg_catalog',
        'volatile', p.provolatile,
        'language', l.lanname,
        'extension', EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        ),
        'configured', p.proconfig IS NOT NULL,
        'body', CASE WHEN l.lanname = 'sql' AND p.prosqlbody IS NULL THEN p.prosrc END,
        'tree', p.prosqlbody::text,
        'defaults', p.proargdefaults::text,
        'support', (
            SELECT pg_catalog.json_agg(support.oid ORDER BY support.oid)
            FROM pg_catalog.pg_aggregate g CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[
                g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn,
                g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn
            ]::oid[]::bigint[]) AS support(oid)
            WHERE g.aggfnoid = p.oid AND support.oid <> 0
        )
    )
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid = asked.name::oid
)

-- block: called
-- The functions that name(...) may mean, those left out that PostgreSQL brings and declares immutable.
SELECT pg_catalog.json_agg(p.oid::bigint ORDER BY p.oid)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
WHERE p.proname = asked.name AND NOT (s.nspname = 'pg_catalog' AND p.provolatile = 'i')
  AND COALESCE(s.nspname = asked.schema, pg_catalog.pg_function_is_visible(p.oid))

-- block: overload
-- Functions of somebody's own that name(...) may mean, though PostgreSQL has some of this name.
SELECT pg_catalog.json_agg(p.oid::bigint ORDER BY p.oid)
FROM pg_catalog.pg_proc p
WHERE p.proname = asked.name AND p.oid >= 16384 AND pg_catalog.pg_function_is_visible(p.oid)

-- block: attribute
-- The functions that row.name may mean, which calls name(row).
SELECT pg_catalog.json_agg(p.oid::bigint ORDER BY p.oid)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
JOIN pg_catalog.pg_type t ON t.oid = p.proargtypes[0]
WHERE p.proname = asked.name AND NOT (s.nspname = 'pg_catalog' AND p.provolatile = 'i')
  AND p.pronargs - p.pronargdefaults <= 1 AND t.typtype IN ('c', 'd', 'p')
  AND pg_catalog.pg_function_is_visible(p.oid)

-- block: operator
-- Functions of somebody's own operators of this name that may do more than compute.
SELECT pg_catalog.json_agg(DISTINCT p.oid::bigint)
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
WHERE o.oprname = asked.name AND o.oid >= 16384 AND p.provolatile <> 'i'
  AND (p.provolatile = 'v' OR NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e'
  ))

-- block: casts
-- Functions of somebody's own casts that may do more than compute.
SELECT pg_catalog.json_agg(DISTINCT p.oid::bigint)
FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
WHERE c.oid >= 16384 AND p.provolatile <> 'i'

-- block: type
-- Types; fixed: text becomes one of their values without clock, settings or catalog.
SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', t.typname, 'kind', t.typtype, 'fixed', i.provolatile = 'i'
) ORDER BY t.oid)
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_proc i ON i.oid = t.typinput
WHERE CASE WHEN asked.schema = 'pg_type' THEN t.oid = asked.name::oid
    ELSE t.typname = asked.name AND pg_catalog.pg_type_is_visible(t.oid) END
