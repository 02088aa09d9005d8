INSERT INTO hidden_key (v) VALUES ('a'), ('b');
INSERT INTO hidden_middle (a, b, c) VALUES (1, NULL, 3), (2, 5, NULL);
INSERT INTO hidden_middle VALUES (3, 4);
