SELECT routine_schema AS `schema`, routine_name AS name, routine_type AS type
FROM information_schema.routines
WHERE routine_schema IN %(schemas)s
ORDER BY routine_schema, FIELD(routine_type, 'FUNCTION', 'PROCEDURE', 'PACKAGE', 'PACKAGE BODY'), routine_name
