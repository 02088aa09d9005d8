-- what would keep a fence waiting: transactions open for longer than the given seconds, not livemove's own
SELECT t.trx_mysql_thread_id AS id, p.USER AS user, p.DB AS db, p.COMMAND AS command,
       TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS seconds
  FROM information_schema.INNODB_TRX t
  LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
 WHERE t.trx_started < NOW() - INTERVAL %s SECOND
   AND COALESCE(p.USER, '') NOT LIKE 'livemove\_%%'
   AND t.trx_mysql_thread_id <> CONNECTION_ID()
