INSERT INTO wide (c001, c002) SELECT REPEAT('가', seq % 40), seq FROM seq_1_to_300;
