SELECT table_schema AS `schema`, table_name AS name, index_name, SUM(nullable = 'YES') AS nullable
FROM information_schema.statistics
WHERE table_schema IN %(schemas)s AND non_unique = 0
GROUP BY table_schema, table_name, index_name
HAVING SUM(nullable = 'YES') = 0
