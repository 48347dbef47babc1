-- Which of the tables asked for exist, by their place in the list; views too, which installing refuses.
SELECT a.i
FROM json_to_recordset(CAST(:tables AS json)) AS a(i int, s text, n text)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(concat(quote_ident(a.s) || '.', quote_ident(a.n)))
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
