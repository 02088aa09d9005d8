SELECT table_schema AS `schema`, table_name AS `table`, index_name AS name, column_name AS `column`, seq_in_index AS place,
       non_unique = 0 AS is_unique,
       COALESCE(nullable, '') = 'YES' OR sub_part IS NOT NULL OR column_name IS NULL AS unfit
FROM information_schema.statistics
WHERE table_schema IN %(schemas)s AND table_name IN %(tables)s
ORDER BY table_schema, table_name, index_name, seq_in_index
