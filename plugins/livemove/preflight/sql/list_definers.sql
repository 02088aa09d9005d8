SELECT 'trigger' AS kind, CONCAT(trigger_schema, '.', trigger_name) AS name, definer
FROM information_schema.triggers WHERE trigger_schema IN %(schemas)s
UNION ALL
SELECT LOWER(routine_type), CONCAT(routine_schema, '.', routine_name), definer
FROM information_schema.routines WHERE routine_schema IN %(schemas)s
UNION ALL
SELECT 'view', CONCAT(table_schema, '.', table_name), definer
FROM information_schema.views WHERE table_schema IN %(schemas)s
