SELECT CONCAT(COALESCE(p.user, '?'), ' (session ', t.trx_mysql_thread_id, ')') AS who,
       TIMESTAMPDIFF(SECOND, t.trx_started, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')) AS seconds
FROM information_schema.innodb_trx AS t
LEFT JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
ORDER BY seconds DESC
LIMIT 50
