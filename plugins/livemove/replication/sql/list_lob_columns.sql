SELECT c.table_schema AS `schema`, c.table_name AS `table`, c.column_name AS name
FROM information_schema.columns AS c
JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema IN %(schemas)s AND t.table_type <> 'VIEW'
  AND c.data_type IN ('mediumtext', 'longtext', 'json', 'mediumblob', 'longblob')
ORDER BY c.table_schema, c.table_name, c.ordinal_position
