-- one row for each part of an object, with a digest of what it is; no row counts, no counters, nothing that writes change.
-- Columns are those of tables and views: a join that tells them apart costs a minute for 500 tables
SELECT 'table' AS kind, table_schema AS `schema`, table_name AS name,
       CRC32(CONCAT_WS('#', table_type, engine, table_collation, create_options, table_comment)) AS digest
FROM information_schema.tables WHERE table_schema IN %(schemas)s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')
UNION ALL
SELECT 'columns', table_schema, table_name,
       SUM(CRC32(CONCAT_WS('#', ordinal_position, column_name, column_type, is_nullable, QUOTE(column_default), collation_name, extra, generation_expression, column_comment)))
FROM information_schema.columns WHERE table_schema IN %(schemas)s GROUP BY table_schema, table_name
UNION ALL
SELECT 'table', table_schema, table_name,
       SUM(CRC32(CONCAT_WS('#', index_name, seq_in_index, column_name, sub_part, collation, non_unique, index_type, index_comment)))
FROM information_schema.statistics WHERE table_schema IN %(schemas)s GROUP BY table_schema, table_name
UNION ALL
SELECT 'table', constraint_schema, table_name,
       SUM(CRC32(CONCAT_WS('#', constraint_name, unique_constraint_schema, referenced_table_name, update_rule, delete_rule)))
FROM information_schema.referential_constraints WHERE constraint_schema IN %(schemas)s GROUP BY constraint_schema, table_name
UNION ALL
SELECT 'table', constraint_schema, table_name, SUM(CRC32(CONCAT_WS('#', constraint_name, check_clause)))
FROM information_schema.check_constraints WHERE constraint_schema IN %(schemas)s GROUP BY constraint_schema, table_name
UNION ALL
SELECT 'table', table_schema, table_name,
       SUM(CRC32(CONCAT_WS('#', partition_name, subpartition_name, partition_method, partition_expression, partition_description)))
FROM information_schema.partitions WHERE table_schema IN %(schemas)s AND partition_name IS NOT NULL GROUP BY table_schema, table_name
UNION ALL
SELECT 'view', table_schema, table_name, CRC32(CONCAT_WS('#', view_definition, check_option, security_type))
FROM information_schema.views WHERE table_schema IN %(schemas)s
UNION ALL
SELECT LOWER(routine_type), routine_schema, routine_name, CRC32(CONCAT_WS('#', dtd_identifier, routine_definition, is_deterministic, sql_data_access, security_type, sql_mode))
FROM information_schema.routines WHERE routine_schema IN %(schemas)s
UNION ALL
SELECT LOWER(routine_type), specific_schema, specific_name, SUM(CRC32(CONCAT_WS('#', ordinal_position, parameter_mode, parameter_name, dtd_identifier)))
FROM information_schema.parameters WHERE specific_schema IN %(schemas)s GROUP BY specific_schema, specific_name, routine_type
UNION ALL
SELECT 'trigger', trigger_schema, trigger_name, CRC32(CONCAT_WS('#', event_object_table, event_manipulation, action_timing, action_order, action_statement, sql_mode))
FROM information_schema.triggers WHERE trigger_schema IN %(schemas)s AND trigger_name NOT LIKE 'livemove\_lob\_%%'
UNION ALL
SELECT 'event', event_schema, event_name, CRC32(CONCAT_WS('#', execute_at, interval_value, interval_field, event_definition, sql_mode))
FROM information_schema.events WHERE event_schema IN %(schemas)s AND event_type = 'RECURRING'
