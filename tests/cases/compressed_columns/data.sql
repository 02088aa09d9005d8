INSERT INTO c SELECT seq, REPEAT('가나', seq * 50), REPEAT('é', 1000), REPEAT(0x00, seq) FROM seq_1_to_30;
INSERT INTO c VALUES (100, NULL, '', '');
