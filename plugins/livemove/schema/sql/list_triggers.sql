-- the application's, without livemove's own helpers on a follower
SELECT trigger_schema AS `schema`, trigger_name AS name, event_object_table AS `table`
FROM information_schema.triggers
WHERE trigger_schema IN %(schemas)s AND trigger_name NOT LIKE 'livemove\_lob\_%%'
ORDER BY trigger_schema, event_object_table, action_timing, event_manipulation, action_order
