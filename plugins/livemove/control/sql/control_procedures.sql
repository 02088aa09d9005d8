-- Every act of a switchover on one database: take the lock, check (state, epoch, attempt), act, release.
-- A stalled attempt that wakes up late finds another row and is refused. The numbers are the protocol's steps.
-- One result row each: outcome done | refused | busy, then the row as it stands now.
DELIMITER //

CREATE OR REPLACE PROCEDURE livemove.arm_fence(IN at_epoch BIGINT UNSIGNED, IN mine VARCHAR(64), IN lease_seconds DOUBLE)
  COMMENT 'step 2: OPEN -> FENCED under a lease'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control
       SET state = 'FENCED', attempt = mine, armed_at = UTC_TIMESTAMP(6), changed_at = UTC_TIMESTAMP(6),
           deadline = UTC_TIMESTAMP(6) + INTERVAL lease_seconds * 1000000 MICROSECOND
     WHERE id = 1 AND state = 'OPEN' AND epoch = at_epoch;
    CALL livemove.tell(IF(ROW_COUNT() = 1, 'done', 'refused'), NULL);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.close_fence(IN at_epoch BIGINT UNSIGNED, IN mine VARCHAR(64))
  COMMENT 'step 3, repeated until two calls in a row leave nobody: accounts, events, sessions, read_only'
BEGIN
  DECLARE remaining INT DEFAULT 0;
  DECLARE after_it INT DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSEIF NOT EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'FENCED' AND epoch = at_epoch
                        AND attempt = mine AND deadline > UTC_TIMESTAMP(6)) THEN
    CALL livemove.tell('refused', NULL);
    DO RELEASE_LOCK('livemove.control');
  ELSE
    CALL livemove.set_application_lock('LOCK');
    CALL livemove.disable_events();
    -- first the sessions: a running statement of theirs would keep read_only waiting
    CALL livemove.end_application_sessions(remaining);
    CALL livemove.set_read_only(1);
    CALL livemove.end_application_sessions(after_it);
    CALL livemove.tell('done', remaining + after_it);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.lift_fence(IN at_epoch BIGINT UNSIGNED, IN whose VARCHAR(64))
  COMMENT 'step A: FENCED -> OPEN, then the application is let in; a lifted fence stays lifted'
BEGIN
  DECLARE touched INT DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control
       SET state = 'OPEN', attempt = '', deadline = NULL, changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'FENCED' AND epoch = at_epoch AND attempt = whose;
    SET touched = ROW_COUNT();
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'OPEN' AND epoch = at_epoch) THEN
      CALL livemove.match_row();
    END IF;
    CALL livemove.tell(IF(touched = 1, 'done', 'refused'), NULL);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.cede(IN at_epoch BIGINT UNSIGNED, IN mine VARCHAR(64), IN margin_seconds DOUBLE)
  COMMENT 'step 6, the commit: one compare-and-set; refused when the lease is nearly over'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 2), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control
       SET state = 'CEDED', epoch = at_epoch + 1, attempt = '', deadline = NULL, changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'FENCED' AND epoch = at_epoch AND attempt = mine
       AND deadline > UTC_TIMESTAMP(6) + INTERVAL margin_seconds * 1000000 MICROSECOND;
    CALL livemove.tell(IF(ROW_COUNT() = 1, 'done', 'refused'), NULL);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.claim(IN to_epoch BIGINT UNSIGNED)
  COMMENT 'step 7, repeated until nobody remains: FOLLOW -> CLAIMED, the replicator is shut out'
BEGIN
  DECLARE remaining INT DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control
       SET state = 'CLAIMED', epoch = to_epoch, position = '', test_until = NULL, changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'FOLLOW' AND epoch + 1 = to_epoch;
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'CLAIMED' AND epoch = to_epoch) THEN
      CALL livemove.match_row();
      CALL livemove.end_replicator_sessions(remaining);
      CALL livemove.tell('done', remaining);
    ELSE
      CALL livemove.tell('refused', NULL);
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.set_position(IN at_epoch BIGINT UNSIGNED, IN here VARCHAR(255))
  COMMENT 'step 8, its last act: after this no DDL; the position is written once'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control SET position = here, changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'CLAIMED' AND epoch = at_epoch AND position = '';
    CALL livemove.tell(IF(ROW_COUNT() = 1, 'done', 'refused'), NULL);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.open_database(IN at_epoch BIGINT UNSIGNED)
  COMMENT 'step 9: CLAIMED -> OPEN, then the application is let in, then its events come alive'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control SET state = 'OPEN', changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'CLAIMED' AND epoch = at_epoch AND position <> '';
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'OPEN' AND epoch = at_epoch) THEN
      CALL livemove.match_row();
      CALL livemove.tell('done', NULL);
    ELSE
      CALL livemove.tell('refused', NULL);
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.follow(IN at_epoch BIGINT UNSIGNED)
  COMMENT 'step 12: CEDED -> FOLLOW, the replicator of this epoch may log in'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    DELETE FROM livemove.sleeping_event
     WHERE EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'CEDED' AND epoch = at_epoch);
    UPDATE livemove.control SET state = 'FOLLOW', position = '', changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'CEDED' AND epoch = at_epoch;
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'FOLLOW' AND epoch = at_epoch) THEN
      CALL livemove.match_row();
      CALL livemove.tell('done', NULL);
    ELSE
      CALL livemove.tell('refused', NULL);
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.allow_test(IN at_epoch BIGINT UNSIGNED, IN seconds INT)
  COMMENT 'before the gate: the replicator of the next epoch may log in for its connection test; 0 ends it'
BEGIN
  DECLARE remaining INT DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSEIF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'OPEN' AND epoch = at_epoch) THEN
    UPDATE livemove.control
       SET test_until = IF(seconds > 0, UTC_TIMESTAMP(6) + INTERVAL seconds SECOND, NULL) WHERE id = 1;
    CALL livemove.set_replicator_locks();
    IF seconds <= 0 THEN
      CALL livemove.end_replicator_sessions(remaining);
    END IF;
    CALL livemove.tell('done', remaining);
    DO RELEASE_LOCK('livemove.control');
  ELSE
    CALL livemove.tell('refused', NULL);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.ask_hold(IN at_epoch BIGINT UNSIGNED, IN seconds DOUBLE)
  COMMENT 'step 1, on the next owner: armed servers let requests wait for so long; 0 ends it (A)'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'FOLLOW' AND epoch = at_epoch) THEN
      DELETE FROM livemove.held_server;
      REPLACE INTO livemove.hold (id, until) VALUES (1, UTC_TIMESTAMP(6) + INTERVAL seconds * 1000000 MICROSECOND);
      CALL livemove.tell('done', NULL);
    ELSE
      CALL livemove.tell('refused', NULL);
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.watch(IN next_epoch BIGINT UNSIGNED, IN seconds DOUBLE)
  COMMENT 'for the waiters on the servers: a row at once and at each change; open and superseded are the last ones'
BEGIN
  DECLARE ends DATETIME(6) DEFAULT UTC_TIMESTAMP(6) + INTERVAL seconds * 1000000 MICROSECOND;
  DECLARE word, told VARCHAR(12) DEFAULT '';
  DECLARE hold_seconds INT;
  -- each look is a statement and, under autocommit, a transaction of its own: it locks nothing and sees what is there now
  look: REPEAT
    SELECT CASE WHEN c.state = 'OPEN' AND c.epoch = next_epoch THEN 'open'
                WHEN c.epoch > next_epoch OR next_epoch = 0 THEN 'superseded'
                WHEN h.until > UTC_TIMESTAMP(6) THEN 'hold'
                ELSE 'go' END,
           GREATEST(1, CEIL(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), h.until) / 1e6))
      INTO word, hold_seconds
      FROM livemove.control c LEFT JOIN livemove.hold h ON h.id = 1 WHERE c.id = 1;
    IF word <> told THEN
      SELECT word, hold_seconds;
      SET told = word;
    END IF;
    IF word IN ('open', 'superseded') THEN
      LEAVE look;
    END IF;
    DO SLEEP(0.015);
  UNTIL UTC_TIMESTAMP(6) >= ends END REPEAT;
END//

CREATE OR REPLACE PROCEDURE livemove.report_hold(IN name VARCHAR(64), IN next_epoch BIGINT UNSIGNED, IN done TINYINT)
  COMMENT 'a waiter tells that requests wait on its server, or that they cannot'
REPLACE INTO livemove.held_server (server, epoch, held) VALUES (name, next_epoch, done)//

CREATE OR REPLACE PROCEDURE livemove.promote(IN at_epoch BIGINT UNSIGNED, IN mine VARCHAR(64))
  COMMENT 'the owner is gone for good and shut out from outside: FOLLOW -> CLAIMED of the next epoch, marked for ever'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control
       SET state = 'CLAIMED', epoch = at_epoch + 1, attempt = mine, position = '', test_until = NULL,
           promoted_at = UTC_TIMESTAMP(6), changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'FOLLOW' AND epoch = at_epoch AND mine <> '';
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'CLAIMED' AND epoch = at_epoch + 1
                  AND attempt = mine AND promoted_at IS NOT NULL) THEN
      CALL livemove.match_row();
      CALL livemove.tell('done', NULL);
    ELSE
      CALL livemove.tell('refused', NULL);
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.abandon(IN at_epoch BIGINT UNSIGNED)
  COMMENT 'an old owner that came back after its follower was promoted: OPEN or FENCED -> CEDED, repeated until nobody remains'
BEGIN
  DECLARE remaining INT DEFAULT 0;
  DECLARE after_it INT DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    UPDATE livemove.control
       SET state = 'CEDED', epoch = at_epoch + 1, attempt = '', deadline = NULL, changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state IN ('OPEN', 'FENCED') AND epoch = at_epoch;
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'CEDED' AND epoch = at_epoch + 1) THEN
      CALL livemove.set_application_lock('LOCK');
      CALL livemove.disable_events();
      -- first the sessions: a running statement of theirs would keep read_only waiting
      CALL livemove.end_application_sessions(remaining);
      CALL livemove.match_row();
      CALL livemove.end_application_sessions(after_it);
      CALL livemove.tell('done', remaining + after_it);
    ELSE
      CALL livemove.tell('refused', NULL);
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.settle()
  COMMENT 'after an installation: what the dead-man''s switch would do within a second'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 5), 0) = 0 THEN
    CALL livemove.tell('busy', NULL);
  ELSE
    CALL livemove.match_row();
    CALL livemove.tell('done', NULL);
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

CREATE OR REPLACE PROCEDURE livemove.tick()
  COMMENT 'the dead-man''s switch, every second: level-triggered, and it never waits for the lock'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN DO RELEASE_LOCK('livemove.control'); RESIGNAL; END;
  IF COALESCE(GET_LOCK('livemove.control', 0), 0) = 1 THEN
    UPDATE livemove.control
       SET state = 'OPEN', attempt = '', deadline = NULL, changed_at = UTC_TIMESTAMP(6)
     WHERE id = 1 AND state = 'FENCED' AND deadline <= UTC_TIMESTAMP(6);
    CALL livemove.match_row();
    UPDATE livemove.control SET heartbeat = UTC_TIMESTAMP(6) WHERE id = 1 AND state <> 'FENCED';
    IF EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'OPEN') THEN
      CALL livemove.beat();
    END IF;
    DO RELEASE_LOCK('livemove.control');
  END IF;
END//

DELIMITER ;
