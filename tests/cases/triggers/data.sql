INSERT INTO orders (qty) VALUES (1), (2), (3);
