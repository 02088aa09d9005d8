SELECT CONCAT(event_schema, '.', event_name) AS name
  FROM information_schema.events
 WHERE event_schema IN %(schemas)s AND time_zone = 'SYSTEM'
 ORDER BY event_schema, event_name
