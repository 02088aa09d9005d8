-- Generated and invisible columns, checks, expressions as defaults
CREATE TABLE g (
  id INT NOT NULL PRIMARY KEY,
  price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  tax DECIMAL(10,2) AS (price * 0.1) VIRTUAL,
  gross DECIMAL(10,2) AS (price * 1.1) PERSISTENT COMMENT 'stored, indexed',
  label VARCHAR(50) AS (CONCAT('no. ', id, ', "', price, '"')) STORED,
  made DATETIME NOT NULL DEFAULT (NOW() + INTERVAL 1 DAY),
  hidden INT INVISIBLE DEFAULT 7,
  doc JSON,
  CONSTRAINT small CHECK (price < 1000000 AND id <> 13),
  KEY by_gross (gross), KEY by_tax (tax), UNIQUE KEY by_label (label)
);
CREATE TABLE ignored_index (id INT PRIMARY KEY, a INT, b INT, KEY quiet (a) IGNORED, KEY down (a DESC, b)) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8;
