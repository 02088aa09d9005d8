SELECT c.table_schema AS `schema`, c.table_name AS `table`,
       c.column_name AS name, c.data_type AS type, COALESCE(c.character_set_name, '') AS charset,
       COALESCE(c.column_default, '') AS `default`, c.extra AS extra
FROM information_schema.columns AS c
JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema IN %(schemas)s AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')
  AND (c.data_type IN ('date', 'datetime', 'timestamp', 'enum', 'set', 'inet4', 'inet6', 'uuid', 'vector', 'xmltype')
       OR c.extra LIKE '%%INVISIBLE%%' OR c.extra LIKE '%%GENERATED%%'
       OR c.character_set_name NOT IN ('ascii', 'latin1', 'binary', 'utf8', 'utf8mb3', 'utf8mb4'))
ORDER BY c.table_schema, c.table_name, c.ordinal_position
