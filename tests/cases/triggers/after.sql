INSERT INTO orders (qty) VALUES (4);
DELETE FROM orders WHERE id = 2;
UPDATE orders SET qty = 0 WHERE id = 4;
