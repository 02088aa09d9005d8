SELECT 'event' AS kind, CONCAT(event_schema, '.', event_name) AS name, definer
FROM information_schema.events WHERE event_schema IN %(schemas)s
