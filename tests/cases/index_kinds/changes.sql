UPDATE kinds SET a = a + 1, c = CONCAT(c, 'x') WHERE id < 20;
DELETE FROM kinds WHERE id = 200;
INSERT INTO heap_like VALUES (3, 3);
