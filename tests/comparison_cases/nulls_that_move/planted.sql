-- t: changed 1 (a: 'x' on the source, NULL on the target; b: NULL on the source, 'x' on the target)
UPDATE t SET a = NULL, b = 'x' WHERE id = 1;
-- t: changed 1 (c: '1' on the source, NULL on the target; d: NULL on the source, '1' on the target)
UPDATE t SET c = NULL, d = 1 WHERE id = 1;
-- t: changed 2 (b: '' on the source, NULL on the target)
UPDATE t SET b = NULL WHERE id = 2;
-- t: changed 3
UPDATE t SET a = 'a', b = 'b#c' WHERE id = 3;
-- t: changed 4
UPDATE t SET a = NULL, b = 'NULL' WHERE id = 4;
-- t: changed 4
UPDATE t SET a = NULL WHERE id = 4;
