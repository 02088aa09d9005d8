SELECT table_schema AS `schema`, table_name AS `table`, index_name AS name, column_name AS `column`,
       COALESCE(nullable, '') = 'YES' OR sub_part IS NOT NULL OR column_name IS NULL AS unfit
FROM information_schema.statistics
WHERE table_schema IN %(schemas)s AND table_name IN %(tables)s AND non_unique = 0
ORDER BY table_schema, table_name, index_name, seq_in_index
