INSERT INTO g (id, price, made, hidden, doc) VALUES (1, 10.10, '2026-01-01', 1, '{"b":1, "a":2}'), (2, 99.99, '2026-01-02', 8, NULL);
INSERT INTO ignored_index VALUES (1, 2, 3);
