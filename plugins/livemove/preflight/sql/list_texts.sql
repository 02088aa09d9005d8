SELECT 'view' AS kind, CONCAT(table_schema, '.', table_name) AS name, view_definition AS body
FROM information_schema.views WHERE table_schema IN %(schemas)s
UNION ALL
SELECT 'trigger', CONCAT(trigger_schema, '.', trigger_name), action_statement
FROM information_schema.triggers WHERE trigger_schema IN %(schemas)s
UNION ALL
SELECT LOWER(routine_type), CONCAT(routine_schema, '.', routine_name), routine_definition
FROM information_schema.routines WHERE routine_schema IN %(schemas)s
