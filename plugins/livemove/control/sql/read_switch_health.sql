SELECT @@GLOBAL.sync_binlog                    AS sync_binlog,
       @@GLOBAL.innodb_flush_log_at_trx_commit AS flush_log,
       @@GLOBAL.event_scheduler                AS event_scheduler,
       (SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.GLOBAL_STATUS
         WHERE VARIABLE_NAME = 'UPTIME')       AS uptime,
       @@GLOBAL.log_bin                        AS log_bin,
       @@GLOBAL.binlog_format                  AS binlog_format,
       (SELECT COUNT(*) FROM information_schema.EVENTS
         WHERE EVENT_SCHEMA = 'livemove' AND STATUS = 'ENABLED') AS switches
