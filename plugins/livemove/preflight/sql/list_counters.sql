SHOW GLOBAL STATUS WHERE Variable_name IN ('Uptime', 'Binlog_bytes_written', 'Handler_write', 'Handler_update', 'Handler_delete',
  'Innodb_rows_inserted', 'Innodb_rows_updated', 'Innodb_rows_deleted')
