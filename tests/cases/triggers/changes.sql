INSERT INTO orders (qty) VALUES (10);
UPDATE orders SET qty = qty + 1 WHERE id IN (1, 2);
DELETE FROM orders WHERE id = 3;
REPLACE INTO orders (id, qty) VALUES (1, 50);
INSERT INTO orders (id, qty) VALUES (2, 1) ON DUPLICATE KEY UPDATE qty = 7;
