-- LOB columns by DMS's table of types, and columns with ON UPDATE; computed ones are not written
SELECT table_schema AS `schema`, table_name AS `table`, column_name AS name, LOWER(data_type) AS type,
       is_nullable = 'YES' AS nullable, LOWER(extra) LIKE '%%on update%%' AS on_update
FROM information_schema.columns
WHERE table_schema IN %(schemas)s AND (data_type IN %(types)s OR LOWER(extra) LIKE '%%on update%%')
  AND LOWER(extra) NOT LIKE '%%generated%%'
ORDER BY table_schema, table_name, ordinal_position
