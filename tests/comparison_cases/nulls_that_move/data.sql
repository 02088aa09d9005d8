CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20), c INT, d INT);
INSERT INTO t VALUES (1, 'x', NULL, 1, NULL), (2, NULL, '', NULL, NULL), (3, 'a#b', 'c', 0, 0), (4, 'NULL', NULL, NULL, 5), (5, '', '', 1, 1);
