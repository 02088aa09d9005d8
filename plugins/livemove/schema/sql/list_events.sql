SELECT event_schema AS `schema`, event_name AS name, definer, status,
       character_set_client AS charset, collation_connection AS collation
FROM information_schema.events
WHERE event_schema IN %(schemas)s
ORDER BY event_schema, event_name
