CREATE TABLE t (a VARCHAR(20) COLLATE utf8mb4_unicode_ci, b VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german2_ci, v INT, PRIMARY KEY (a, b));
INSERT INTO t VALUES ('a', 'x', 1), ('Ä', 'y', 2), ('ss', 'z', 3), ('ß', 'w', 4), ('가', 'ö', 5), ('😀', '', 6), ('', '', 7), ('z', 'Z', 8);
