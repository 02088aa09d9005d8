INSERT INTO by_year VALUES (1, '2024-05-05', 'x'), (2, '2025-05-05', 'y'), (3, '2030-01-01', NULL);
INSERT INTO by_columns VALUES (1, 'a'), (2, 'z'), (2, 'z');
INSERT INTO by_list VALUES (0, 0), (1, 1), (5, 5);
INSERT INTO by_hash (n) VALUES (1), (2), (3), (4);
INSERT INTO sub VALUES (1, '2024-01-01'), (2, '2026-01-01');
