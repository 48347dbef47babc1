-- Which of the tables asked for exist, by their place in the list; views too, which installing refuses.
SELECT a.i
FROM pg_catalog.json_to_recordset(CAST(:tables AS json)) AS a(i int, s text, n text)
JOIN pg_catalog.pg_class c ON c.oid = CAST(pg_catalog.to_regclass(
    pg_catalog.concat(pg_catalog.quote_ident(a.s) || '.', pg_catalog.quote_ident(a.n))
) AS oid)
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
