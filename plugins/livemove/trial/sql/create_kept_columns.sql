-- as livemove.follower_column: what is taken off the follower's columns; the control schema is not there yet
CREATE TABLE IF NOT EXISTS follower_column (
  table_schema VARCHAR(64) NOT NULL,
  table_name VARCHAR(64) NOT NULL,
  column_name VARCHAR(64) NOT NULL,
  definition LONGTEXT NOT NULL,
  PRIMARY KEY (table_schema, table_name, column_name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
