SELECT table_schema AS `schema`, table_name AS name, table_type AS type, engine,
       COALESCE(table_rows, 0) AS estimate, COALESCE(data_length, 0) AS bytes, COALESCE(index_length, 0) AS index_bytes
FROM information_schema.tables
WHERE table_schema IN %(schemas)s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')
ORDER BY table_schema, table_name
