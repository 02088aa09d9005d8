SELECT event_schema AS `schema`, event_name AS name, definer, status
FROM information_schema.events
WHERE event_schema IN %(schemas)s
ORDER BY event_schema, event_name
