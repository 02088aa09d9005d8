INSERT INTO e (id, n) VALUES (7, '1');
