INSERT INTO hidden_key VALUES ('after');
INSERT INTO hidden_middle (a, c, e) VALUES (4, 4, '2026-01-01');
