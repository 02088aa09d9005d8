INSERT INTO t (price, kind) VALUES (5, '가');
UPDATE t SET high = 9;
SET check_constraint_checks = 0;
UPDATE broken SET v = -6 WHERE id = 1;
