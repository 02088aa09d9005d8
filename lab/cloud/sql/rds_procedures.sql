-- What Amazon adds to the mysql schema of an RDS instance, as far as a migration calls it.
-- https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MariaDB.CommonDBATasks.html
CREATE TABLE IF NOT EXISTS mysql.rds_configuration (
  name VARCHAR(100) NOT NULL PRIMARY KEY,
  value VARCHAR(100),
  description VARCHAR(300) NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO mysql.rds_configuration VALUES
  ('binlog retention hours', NULL, 'binlog retention hours specifies the duration in hours before binary logs are automatically deleted.');

CREATE TABLE IF NOT EXISTS mysql.rds_heartbeat2 (
  id    INT NOT NULL PRIMARY KEY,
  value BIGINT
) ENGINE = InnoDB;

DELIMITER //
CREATE OR REPLACE DEFINER = rdsadmin@localhost PROCEDURE mysql.rds_kill(IN thread BIGINT)
  SQL SECURITY DEFINER
  COMMENT 'AWS does not say with which error it answers for a session that has gone; here it is none of MariaDB''s'
BEGIN
  DECLARE owner VARCHAR(128) DEFAULT NULL;
  SELECT user INTO owner FROM information_schema.processlist WHERE id = thread;
  IF owner IS NULL THEN
    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31999, MESSAGE_TEXT = 'NO SUCH SESSION';
  END IF;
  IF owner = 'rdsadmin' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'CANNOT KILL RDSADMIN SESSION';
  END IF;
  KILL CONNECTION thread;
END//

CREATE OR REPLACE DEFINER = rdsadmin@localhost PROCEDURE mysql.rds_set_configuration(IN configuration VARCHAR(100), IN setting INT)
  SQL SECURITY DEFINER
BEGIN
  IF configuration <> 'binlog retention hours' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'Unknown configuration';
  END IF;
  IF setting < 1 OR setting > 168 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'For binlog retention hours the value must be between 1 and 168 inclusive or be NULL';
  END IF;
  UPDATE mysql.rds_configuration SET value = setting WHERE name = configuration;
  SET GLOBAL binlog_expire_logs_seconds = IFNULL(setting, 1) * 3600;
END//

CREATE OR REPLACE DEFINER = rdsadmin@localhost PROCEDURE mysql.rds_show_configuration()
  SQL SECURITY DEFINER
BEGIN
  SELECT name, value, description FROM mysql.rds_configuration;
END//
DELIMITER ;
