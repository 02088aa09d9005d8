SELECT user, COUNT(*) AS sessions
FROM information_schema.processlist
WHERE user NOT IN ('system user', 'event_scheduler', 'unauthenticated user', 'rdsadmin', 'root')
  AND user NOT LIKE 'livemove%%' AND user <> %(me)s AND command <> 'Daemon'
GROUP BY user
ORDER BY user
