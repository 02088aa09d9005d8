SELECT table_schema AS `schema`, table_name AS name, auto_increment AS next
FROM information_schema.tables
WHERE table_schema IN %(schemas)s AND auto_increment IS NOT NULL
ORDER BY table_schema, table_name
