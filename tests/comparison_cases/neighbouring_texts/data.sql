CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(300) NOT NULL, b VARCHAR(300) NOT NULL, c TINYTEXT NOT NULL);
INSERT INTO t VALUES (1, 'ab', 'c', ''), (2, '', 'abc', 'd'), (3, '2#x', 'y', 'z'), (4, REPEAT('a', 255), 'b', ''), (5, 'a ', 'b', 'c');
