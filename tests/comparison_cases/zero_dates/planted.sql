-- t: changed 1 (d: '0000-00-00' on the source, NULL on the target)
UPDATE t SET d = NULL WHERE id = 1;
-- t: changed 1
UPDATE t SET y = 2000 WHERE id = 1;
-- t: changed 2
UPDATE t SET d = '2026-01-01' WHERE id = 2;
-- t: changed 4 (dt:
UPDATE t SET dt = '9999-12-31 23:59:59.999998' WHERE id = 4;
-- t: changed 4 (ts:
UPDATE t SET ts = '2038-01-19 03:14:06' WHERE id = 4;
