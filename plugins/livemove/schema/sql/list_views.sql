SELECT table_schema AS `schema`, table_name AS name
FROM information_schema.views
WHERE table_schema IN %(schemas)s
ORDER BY table_schema, table_name
