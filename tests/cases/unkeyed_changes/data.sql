INSERT INTO log SELECT NULL, IF(seq % 3, 'a', NULL), seq / 7, REPEAT('x', seq) FROM seq_1_to_100;
INSERT INTO twins VALUES (1, 1), (1, 1), (1, 1), (NULL, NULL), (NULL, NULL);
