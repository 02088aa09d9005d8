SELECT table_schema AS `schema`, table_name AS name
FROM information_schema.tables
WHERE table_schema IN %(schemas)s AND table_type = 'SEQUENCE'
ORDER BY table_schema, table_name
