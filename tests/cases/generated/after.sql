INSERT INTO g (id, price, made) VALUES (4, 7.77, '2026-04-01');
