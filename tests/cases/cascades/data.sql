INSERT INTO a SELECT seq, seq FROM seq_1_to_20;
INSERT INTO b SELECT seq, seq FROM seq_1_to_20;
INSERT INTO c SELECT seq, seq, 21 - seq FROM seq_1_to_20;
INSERT INTO d VALUES (1, 20);
