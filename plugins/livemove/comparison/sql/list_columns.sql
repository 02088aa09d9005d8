SELECT table_schema AS `schema`, table_name AS `table`, column_name AS name, data_type, column_type,
       COALESCE(character_set_name, '') AS charset, COALESCE(collation_name, '') AS collation,
       is_nullable = 'YES' AS nullable, extra, COALESCE(generation_expression, '') AS expression
FROM information_schema.columns
WHERE table_schema IN %(schemas)s AND table_name IN %(tables)s
ORDER BY table_schema, table_name, ordinal_position
