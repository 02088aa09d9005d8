CREATE DATABASE IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.livemove_lab_checkpoint (
  task VARCHAR(255) PRIMARY KEY,
  phase VARCHAR(16) NOT NULL,
  gtid VARCHAR(1000) NOT NULL,
  file VARCHAR(255) NOT NULL,
  at BIGINT UNSIGNED NOT NULL,
  changed DATETIME(6) NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE IF NOT EXISTS {schema}.livemove_lab_tables (
  task VARCHAR(191) NOT NULL,
  schema_name VARCHAR(64) NOT NULL,
  table_name VARCHAR(64) NOT NULL,
  state VARCHAR(40) NOT NULL,
  load_rows BIGINT NOT NULL,
  load_started DOUBLE,
  load_ended DOUBLE,
  inserts BIGINT NOT NULL,
  updates BIGINT NOT NULL,
  deletes BIGINT NOT NULL,
  rejected_inserts BIGINT NOT NULL,
  rejected_updates BIGINT NOT NULL,
  rejected_deletes BIGINT NOT NULL,
  reloaded BOOLEAN NOT NULL,
  why TEXT NOT NULL,
  ddls BIGINT NOT NULL,
  loaded_file VARCHAR(255) NOT NULL,
  loaded_at BIGINT NOT NULL,
  cached_file VARCHAR(255) NOT NULL,
  cached_at BIGINT NOT NULL,
  PRIMARY KEY (task, schema_name, table_name)
) ENGINE=InnoDB CHARACTER SET utf8mb4
