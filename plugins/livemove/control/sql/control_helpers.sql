-- The acts themselves, without guards: only the guarded procedures and the dead-man's switch call them.
-- Each acts only where world and row differ. ALTER USER and ALTER EVENT take no variables: dynamic SQL.
DELIMITER //

CREATE OR REPLACE PROCEDURE livemove.tell(IN outcome VARCHAR(16), IN remaining INT)
  COMMENT 'the one result row of every guarded procedure'
SELECT outcome, remaining, state, epoch, attempt, position,
       TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deadline) / 1e6 AS seconds_left
  FROM livemove.control WHERE id = 1//

CREATE OR REPLACE PROCEDURE livemove.set_account_lock(IN who VARCHAR(128), IN how VARCHAR(8))
  COMMENT 'how: LOCK or UNLOCK, under every host pattern of that user'
BEGIN
  FOR a IN (SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) AS name FROM mysql.global_priv
             WHERE BINARY User = BINARY who
               AND COALESCE(JSON_VALUE(Priv, '$.account_locked'), '0') <> IF(how = 'LOCK', '1', '0')) DO
    EXECUTE IMMEDIATE CONCAT('ALTER USER ', a.name, ' ACCOUNT ', how);
  END FOR;
END//

CREATE OR REPLACE PROCEDURE livemove.set_application_lock(IN how VARCHAR(8))
BEGIN
  FOR a IN (SELECT user FROM livemove.application_account) DO
    CALL livemove.set_account_lock(a.user, how);
  END FOR;
END//

CREATE OR REPLACE PROCEDURE livemove.set_replicator_locks()
  COMMENT 'only the replicator of this epoch may log in, only while this database follows'
BEGIN
  DECLARE allowed VARCHAR(128) DEFAULT '';
  DECLARE tested VARCHAR(128) DEFAULT '';
  SELECT IF(state = 'FOLLOW', CONCAT('livemove_apply_e', epoch), ''),
         IF(test_until > UTC_TIMESTAMP(6), CONCAT('livemove_apply_e', epoch + 1), '')
    INTO allowed, tested FROM livemove.control WHERE id = 1;
  FOR a IN (SELECT DISTINCT User AS user FROM mysql.global_priv WHERE User LIKE 'livemove\_apply\_e%') DO
    CALL livemove.set_account_lock(a.user, IF(a.user IN (allowed, tested), 'UNLOCK', 'LOCK'));
  END FOR;
END//

CREATE OR REPLACE PROCEDURE livemove.set_read_only(IN wanted TINYINT)
BEGIN
  DECLARE possible TINYINT DEFAULT (SELECT has_read_only FROM livemove.control WHERE id = 1);
  IF possible AND @@GLOBAL.read_only <> wanted THEN
    -- a long statement of somebody else must not keep the lock of the control row
    SET SESSION lock_wait_timeout = 2;
    EXECUTE IMMEDIATE CONCAT('SET GLOBAL read_only = ', wanted);
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.disable_events()
  COMMENT 'the list grows until it is restored; a second call never overwrites it'
BEGIN
  INSERT IGNORE INTO livemove.sleeping_event (event_schema, event_name, definer)
  SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS
   WHERE STATUS = 'ENABLED' AND BINARY EVENT_SCHEMA IN (SELECT BINARY name FROM livemove.application_schema);
  FOR e IN (SELECT EVENT_SCHEMA AS s, EVENT_NAME AS n, DEFINER AS d, CHARACTER_SET_CLIENT AS c, COLLATION_CONNECTION AS k
              FROM information_schema.EVENTS
             WHERE STATUS = 'ENABLED' AND BINARY EVENT_SCHEMA IN (SELECT BINARY name FROM livemove.application_schema)) DO
    CALL livemove.set_event(e.s, e.n, e.d, e.c, e.k, 'DISABLE');
  END FOR;
END//

CREATE OR REPLACE PROCEDURE livemove.set_event(IN s VARCHAR(64), IN n VARCHAR(64), IN d VARCHAR(384),
                                               IN c VARCHAR(64), IN k VARCHAR(64), IN how VARCHAR(8))
  COMMENT 'ALTER EVENT makes its caller the definer unless told; d is user@host as information_schema has it'
BEGIN
  -- and its caller's character set that of the body, whose bytes stay as they are: c and k are what was recorded.
  -- The caller has its own again when this returns
  SET SESSION character_set_client = c, collation_connection = k;
  EXECUTE IMMEDIATE CONCAT(
    'ALTER DEFINER = ', QUOTE(LEFT(d, CHAR_LENGTH(d) - LOCATE('@', REVERSE(d)))), '@', QUOTE(SUBSTRING_INDEX(d, '@', -1)),
    ' EVENT `', REPLACE(s, '`', '``'), '`.`', REPLACE(n, '`', '``'), '` ', how);
END//

CREATE OR REPLACE PROCEDURE livemove.enable_events()
  COMMENT 'what is on the list and still exists comes alive; then the list is empty'
BEGIN
  FOR e IN (SELECT i.EVENT_SCHEMA AS s, i.EVENT_NAME AS n, i.DEFINER AS d,
                   i.CHARACTER_SET_CLIENT AS c, i.COLLATION_CONNECTION AS k FROM information_schema.EVENTS i
              JOIN livemove.sleeping_event l
                ON BINARY l.event_schema = BINARY i.EVENT_SCHEMA AND BINARY l.event_name = BINARY i.EVENT_NAME
             WHERE i.STATUS <> 'ENABLED') DO
    CALL livemove.set_event(e.s, e.n, e.d, e.c, e.k, 'ENABLE');
  END FOR;
  DELETE FROM livemove.sleeping_event;
END//

CREATE OR REPLACE PROCEDURE livemove.end_session(IN session_id BIGINT UNSIGNED)
BEGIN
  -- it has gone by itself; or it was authenticating when it was listed, and is RDS's own: rds_kill refuses that one.
  -- Whoever is refused and belongs to the application is counted again, and the fence never becomes clear.
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  IF (SELECT has_rds_kill FROM livemove.control WHERE id = 1) THEN
    EXECUTE IMMEDIATE CONCAT('CALL mysql.rds_kill(', session_id, ')');
  ELSE
    EXECUTE IMMEDIATE CONCAT('KILL CONNECTION ', session_id);
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.end_application_sessions(OUT remaining INT)
  COMMENT 'sessions of the application, those that are authenticating, and bodies of application events'
BEGIN
  SET remaining = 0;
  FOR p IN (SELECT ID AS id FROM information_schema.PROCESSLIST
             WHERE ID <> CONNECTION_ID()
               AND (BINARY USER IN (SELECT BINARY user FROM livemove.application_account)
                    OR USER = 'unauthenticated user'
                    -- inside a routine or trigger a session is listed under the definer: whoever runs something in there
                    OR (COMMAND <> 'Sleep' AND USER NOT LIKE 'livemove\_%'
                        AND BINARY DB IN (SELECT BINARY name FROM livemove.application_schema))
                    -- a running event: its worker has a host without a port
                    OR (COMMAND = 'Connect' AND LOCATE(':', HOST) = 0
                        AND BINARY DB IN (SELECT BINARY name FROM livemove.application_schema)))) DO
    SET remaining = remaining + 1;
    CALL livemove.end_session(p.id);
  END FOR;
END//

CREATE OR REPLACE PROCEDURE livemove.end_replicator_sessions(OUT remaining INT)
BEGIN
  SET remaining = 0;
  FOR p IN (SELECT ID AS id FROM information_schema.PROCESSLIST
             WHERE USER LIKE 'livemove\_apply\_e%' OR USER = 'unauthenticated user') DO
    SET remaining = remaining + 1;
    CALL livemove.end_session(p.id);
  END FOR;
END//

CREATE OR REPLACE PROCEDURE livemove.beat()
  COMMENT 'while OPEN, a watermark every 5 s: when this server dies, the newest one that arrived says how far the follower came'
BEGIN
  DECLARE owner VARCHAR(8) DEFAULT (SELECT side FROM livemove.control WHERE id = 1 AND state = 'OPEN');
  DECLARE moment DATETIME(6) DEFAULT UTC_TIMESTAMP(6);
  DECLARE slot BIGINT UNSIGNED DEFAULT TIMESTAMPDIFF(SECOND, '1970-01-01', moment) DIV 5;
  -- a ring of a day; its rows are written again, and never deleted
  DECLARE place BIGINT UNSIGNED DEFAULT slot MOD 17280;
  -- nested: a condition opens its tables, and on a follower this must never wait for the replicator
  IF owner = 'source' THEN
    IF NOT EXISTS (SELECT 1 FROM livemove.watermark_source_target WHERE stream = 'beat' AND number = place
                      AND TIMESTAMPDIFF(SECOND, '1970-01-01', written_at) DIV 5 = slot) THEN
      INSERT INTO livemove.watermark_source_target (stream, number, written_at) VALUES ('beat', place, moment)
        ON DUPLICATE KEY UPDATE written_at = moment;
    END IF;
  ELSEIF owner = 'target' THEN
    IF NOT EXISTS (SELECT 1 FROM livemove.watermark_target_source WHERE stream = 'beat' AND number = place
                      AND TIMESTAMPDIFF(SECOND, '1970-01-01', written_at) DIV 5 = slot) THEN
      INSERT INTO livemove.watermark_target_source (stream, number, written_at) VALUES ('beat', place, moment)
        ON DUPLICATE KEY UPDATE written_at = moment;
    END IF;
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.match_row()
  COMMENT 'makes the world match the row: OPEN lets the application in, FENCED rests, anything else keeps it out'
BEGIN
  DECLARE now_state VARCHAR(8) DEFAULT (SELECT state FROM livemove.control WHERE id = 1);
  CALL livemove.set_replicator_locks();
  IF now_state = 'OPEN' THEN
    CALL livemove.set_read_only(0);
    CALL livemove.set_application_lock('UNLOCK');
    CALL livemove.enable_events();
  ELSEIF now_state <> 'FENCED' THEN
    CALL livemove.set_application_lock('LOCK');
    CALL livemove.set_read_only(1);
  END IF;
END//

DELIMITER ;
