-- t: changed 1 (f:
UPDATE t SET f = 16777218 WHERE id = 1;
-- t: changed 2 (d:
UPDATE t SET d = 0 WHERE id = 2;
-- t: changed 6 (f:
UPDATE t SET f = 123456.79 WHERE id = 6;
-- t: changed 6 (d:
UPDATE t SET d = 0.3 WHERE id = 6;
-- t: changed 4
UPDATE t SET d = 0 WHERE id = 4;
