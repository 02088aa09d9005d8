INSERT INTO t (price, code, made, low, high) VALUES (6, 'fixed', '2026-01-01', 0, 0);
