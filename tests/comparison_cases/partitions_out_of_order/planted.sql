-- t: changed 1500, '2026-01-01' (v: '1500' on the source, '0' on the target)
UPDATE t SET v = 0 WHERE id = 1500;
-- t: 1 missing; missing 3000
DELETE FROM t WHERE id = 3000;
