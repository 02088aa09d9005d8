INSERT INTO picture SELECT seq, REPEAT(UNHEX('00FF0A5C27'), 1048576 * seq / 3), IF(seq = 2, NULL, REPEAT('큰글', 200000)), '', '{"a": [1, 2]}' FROM seq_1_to_3;
