SELECT 'event' AS kind, CONCAT(event_schema, '.', event_name) AS name, event_definition AS body
FROM information_schema.events WHERE event_schema IN %(schemas)s
