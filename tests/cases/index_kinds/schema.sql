-- Indexes of every kind: descending, ignored, over prefixes, hashed uniques over long values, with comments and parsers
CREATE TABLE kinds (
  id INT NOT NULL, a INT, b VARCHAR(100), c TEXT, d BLOB NOT NULL, e INT, g INT AS (a * 2) VIRTUAL, h INT AS (a * 3) STORED,
  PRIMARY KEY (id DESC), KEY down (a DESC, b), KEY quiet (a) IGNORED, KEY pre (b(10), c(20)) COMMENT 'first, ten', KEY virt (g), KEY stor (h),
  UNIQUE KEY long_one (c) USING HASH, UNIQUE KEY pair (b, e), KEY with_size (e) KEY_BLOCK_SIZE=4, FULLTEXT KEY ft (c), FULLTEXT KEY ft2 (b, c), KEY `back``tick` (b DESC)
);
CREATE TABLE heap_like (id INT PRIMARY KEY, v INT, KEY h (v) USING HASH, KEY b (v) USING BTREE) ENGINE=MEMORY;
CREATE TABLE same_twice (id INT PRIMARY KEY, v INT, KEY one (v), KEY two (v), UNIQUE KEY three (v));
