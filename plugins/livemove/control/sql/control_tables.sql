-- livemove's own schema on each of the two databases. Nothing of it is replicated but the one watermark
-- table of the direction in use. The control row decides who may write; everything else only tells.
CREATE SCHEMA IF NOT EXISTS livemove CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS livemove.control (
  id            TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  side          VARCHAR(8) NOT NULL,
  state         ENUM('OPEN', 'FENCED', 'CEDED', 'FOLLOW', 'CLAIMED') NOT NULL,
  epoch         BIGINT UNSIGNED NOT NULL,
  attempt       VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'whose fence this is',
  deadline      DATETIME(6) NULL COMMENT 'UTC, clock of this server: then the fence opens by itself',
  armed_at      DATETIME(6) NULL COMMENT 'when the last fence began',
  position      VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'file:offset from which the return path of this epoch reads',
  heartbeat     DATETIME(6) NULL COMMENT 'last tick of the dead-man''s switch; rests while FENCED',
  test_until    DATETIME(6) NULL COMMENT 'until then the next replicator may log in for its connection test',
  has_read_only TINYINT UNSIGNED NOT NULL COMMENT '0 on RDS, where nobody may set read_only',
  has_rds_kill  TINYINT UNSIGNED NOT NULL COMMENT '1 where sessions of others die by mysql.rds_kill',
  version       VARCHAR(32) NOT NULL COMMENT 'digest of these files',
  changed_at    DATETIME(6) NOT NULL,
  promoted_at   DATETIME(6) NULL COMMENT 'when this follower became the owner without its old owner''s word; stays for ever'
) ENGINE = InnoDB;

-- a table of an earlier version
ALTER TABLE livemove.control
  ADD COLUMN IF NOT EXISTS promoted_at DATETIME(6) NULL COMMENT 'when this follower became the owner without its old owner''s word; stays for ever';

CREATE TABLE IF NOT EXISTS livemove.application_account (
  user VARCHAR(128) NOT NULL PRIMARY KEY COMMENT 'fenced under every host pattern'
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS livemove.application_schema (
  name VARCHAR(64) NOT NULL PRIMARY KEY
) ENGINE = InnoDB;

-- Application events that must run when this database is open and sleep until then.
CREATE TABLE IF NOT EXISTS livemove.sleeping_event (
  event_schema VARCHAR(64) NOT NULL,
  event_name   VARCHAR(64) NOT NULL,
  definer      VARCHAR(384) NOT NULL,
  PRIMARY KEY (event_schema, event_name)
) ENGINE = InnoDB;

-- The beats (stream 'beat', one every 5 s) are a ring of a day, 17,280 rows or about 1 MB: number is the place in it, and
-- an older row is written again. None is deleted: the DELETE would be replicated, and stop a replicator whose follower
-- never had that row. A row that is written again is there: it came with the full load, or its INSERT lies behind the
-- position from which the follower reads, because an owner beats only once it is OPEN. If it is missing all the same,
-- writes of that time are missing too, and the replicator stops with that word.
CREATE TABLE IF NOT EXISTS livemove.watermark_source_target (
  stream     VARCHAR(64) NOT NULL,
  number     BIGINT UNSIGNED NOT NULL,
  written_at DATETIME(6) NOT NULL,
  PRIMARY KEY (stream, number)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS livemove.watermark_target_source (
  stream     VARCHAR(64) NOT NULL,
  number     BIGINT UNSIGNED NOT NULL,
  written_at DATETIME(6) NOT NULL,
  PRIMARY KEY (stream, number)
) ENGINE = InnoDB;

-- What livemove took from columns of this database while it follows, to be put back before it opens: ON UPDATE
-- CURRENT_TIMESTAMP, which DMS's second statement for LOBs would fire. `definition` is the column's whole text.
CREATE TABLE IF NOT EXISTS livemove.follower_column (
  table_schema VARCHAR(64) NOT NULL,
  table_name   VARCHAR(64) NOT NULL,
  column_name  VARCHAR(64) NOT NULL,
  definition   LONGTEXT NOT NULL,
  PRIMARY KEY (table_schema, table_name, column_name)
) ENGINE = InnoDB;

-- Which attempt of a switchover may copy LOBs into this follower: the one that began to compare last.
CREATE TABLE IF NOT EXISTS livemove.lob_copier (
  id    TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  token VARCHAR(64) NOT NULL
) ENGINE = InnoDB;

-- For the waiters on the servers, who read this on the next owner: until then requests wait.
CREATE TABLE IF NOT EXISTS livemove.hold (
  id    TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  until DATETIME(6) NOT NULL COMMENT 'UTC, clock of this server'
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS livemove.held_server (
  server VARCHAR(64) NOT NULL PRIMARY KEY,
  epoch  BIGINT UNSIGNED NOT NULL COMMENT 'that the server waits for',
  held   TINYINT UNSIGNED NOT NULL COMMENT '0: its hold command failed'
) ENGINE = InnoDB;
