UPDATE by_year SET d = '2025-01-01' WHERE id = 1; DELETE FROM by_year WHERE id = 2;
UPDATE by_columns SET b = 'b' WHERE a = 2 LIMIT 1; INSERT INTO by_list VALUES (7, 7);
INSERT INTO by_hash (n) VALUES (5), (6); DELETE FROM by_hash WHERE n = 6; UPDATE sub SET d = '2020-01-01' WHERE id = 2;
