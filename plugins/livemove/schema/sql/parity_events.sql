SELECT * FROM information_schema.events WHERE event_schema IN %(schemas)s
