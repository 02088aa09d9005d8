CREATE TABLE t (a INT, b VARCHAR(10));
INSERT INTO t SELECT seq % 3, IF(seq % 2, NULL, 'x') FROM seq_1_to_60;
CREATE TABLE loose (a INT, b INT, UNIQUE KEY (a));
INSERT INTO loose VALUES (1, 1), (NULL, 1), (NULL, 1), (NULL, 2);
