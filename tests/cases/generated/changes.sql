UPDATE g SET price = 20 WHERE id = 1; INSERT INTO g (id, price, made) VALUES (3, 1, '2026-03-01'); DELETE FROM g WHERE id = 2;
UPDATE ignored_index SET a = 9;
