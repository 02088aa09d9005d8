-- t: changed '0000-00-00', '0000-00-00 00:00:00.000'
UPDATE t SET v = 1 WHERE v = 0;
-- t: 1 missing
DELETE FROM t WHERE v = 700;
