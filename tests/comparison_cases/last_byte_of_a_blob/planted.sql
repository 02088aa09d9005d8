-- t: changed 1 (b:
UPDATE t SET b = INSERT(b, 1500000, 1, 'b') WHERE id = 1;
-- t: changed 1 (c:
UPDATE t SET c = CONCAT(c, ' ') WHERE id = 1;
-- t: changed 1 (j:
UPDATE t SET j = '{"a": [2, 1]}' WHERE id = 1;
-- t: changed 2 (b:
UPDATE t SET b = NULL WHERE id = 2;
-- t: changed 4 (b: '00' on the source, '' on the target)
UPDATE t SET b = '' WHERE id = 4;
