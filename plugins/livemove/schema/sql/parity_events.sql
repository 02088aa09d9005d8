-- the moments in UTC: the catalogue tells them in each event's own zone, and SYSTEM is another one on each server
SELECT e.*, CONVERT_TZ(execute_at, time_zone, '+00:00') AS execute_at_utc,
       CONVERT_TZ(starts, time_zone, '+00:00') AS starts_utc, CONVERT_TZ(ends, time_zone, '+00:00') AS ends_utc
  FROM information_schema.events e WHERE event_schema IN %(schemas)s
