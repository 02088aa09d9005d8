INSERT INTO compressed SELECT seq, REPEAT('abc', seq) FROM seq_1_to_100;
INSERT INTO redundant VALUES (1, 'a'); INSERT INTO compact VALUES (1, 'a'); INSERT INTO dynamic VALUES (1, 'a'); INSERT INTO pages VALUES (1, 'a');
INSERT INTO fixed VALUES (1, 'a'); INSERT INTO aria VALUES (1, 'a'); INSERT INTO crashable VALUES (1, 'a');
