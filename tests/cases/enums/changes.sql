SET sql_mode = '';
UPDATE e SET n = '2', s = 'b b' WHERE id = 1;
UPDATE e SET n = 0 WHERE id = 2;
INSERT INTO e (id, n) VALUES (6, '');
DELETE FROM keyed WHERE s = '';
