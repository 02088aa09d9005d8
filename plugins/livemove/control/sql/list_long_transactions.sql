-- what would keep a fence waiting or die by it: transactions open, and statements running, for longer than the
-- given seconds (InnoDB tells when one began in the machine's zone, whatever time_zone says); a dump or a batch job is one of them. Not livemove's own, the server's own or replication's.
SELECT t.trx_mysql_thread_id AS id, p.USER AS user, p.DB AS db, p.COMMAND AS command,
       TIMESTAMPDIFF(SECOND, t.trx_started, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')) AS seconds
  FROM information_schema.INNODB_TRX t
  LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
 WHERE t.trx_started < CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM') - INTERVAL %(longest)s SECOND
   AND COALESCE(p.USER, '') NOT LIKE 'livemove\_%%'
   AND t.trx_mysql_thread_id <> CONNECTION_ID()
UNION
SELECT ID, USER, DB, COMMAND, TIME
  FROM information_schema.PROCESSLIST
 WHERE COMMAND IN ('Query', 'Execute') AND TIME > %(longest)s
   AND USER NOT LIKE 'livemove\_%%' AND USER NOT IN ('system user', 'event_scheduler', 'rdsadmin')
   AND ID <> CONNECTION_ID()
