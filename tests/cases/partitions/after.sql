INSERT INTO by_hash (n) VALUES (9); INSERT INTO by_year VALUES (9, '2031-01-01', 'z');
