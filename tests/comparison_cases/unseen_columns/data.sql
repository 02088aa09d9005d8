CREATE TABLE t (id INT PRIMARY KEY, a INT, hidden INT INVISIBLE DEFAULT 5, twice INT AS (a * 2) VIRTUAL, kept INT AS (a + 1) STORED, KEY (twice));
INSERT INTO t (id, a) SELECT seq, seq FROM seq_1_to_50;
