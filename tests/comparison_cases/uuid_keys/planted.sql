-- t: changed '00000000-0000-0000-0000-000000000000'
UPDATE t SET v = 9 WHERE v = 0;
-- t: missing 'ffffffff-ffff-ffff-ffff-ffffffffffff'
DELETE FROM t WHERE id = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
-- t: changed
UPDATE t SET v = -1 WHERE v = 1000;
