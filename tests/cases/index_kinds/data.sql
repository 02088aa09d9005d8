INSERT INTO kinds (id, a, b, c, d, e) SELECT seq, seq % 7, CONCAT('b', seq), REPEAT(CONCAT('long ', seq, ' '), 200), 'd', seq FROM seq_1_to_200;
INSERT INTO heap_like VALUES (1, 1), (2, NULL);
INSERT INTO same_twice VALUES (1, 1), (2, NULL), (3, NULL);
