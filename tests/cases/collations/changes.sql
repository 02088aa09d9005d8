UPDATE mixed SET a = 'ÿ', e = '힣', i = '十' WHERE id = 2;
INSERT INTO four VALUES ('😀', 'ß');
DELETE FROM three WHERE k = 'A';
