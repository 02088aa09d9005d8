CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, c LONGTEXT, j JSON);
INSERT INTO t VALUES (1, REPEAT('a', 1500000), REPEAT('가', 300000), '{"a": [1, 2]}'), (2, '', '', '{}'), (3, NULL, NULL, NULL), (4, X'00', '0', 'null');
