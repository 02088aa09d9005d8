SELECT table_schema AS `schema`, table_name AS name, COUNT(DISTINCT partition_name) AS partitions
FROM information_schema.partitions
WHERE table_schema IN %(schemas)s AND partition_name IS NOT NULL
GROUP BY table_schema, table_name
