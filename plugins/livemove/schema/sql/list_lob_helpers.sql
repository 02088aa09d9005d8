-- livemove's own triggers, which only a follower has
SELECT trigger_schema AS `schema`, trigger_name AS name, event_object_table AS `table`, action_statement AS body
FROM information_schema.triggers
WHERE trigger_schema IN %(schemas)s AND trigger_name LIKE 'livemove\_lob\_%%'
