-- t: changed 1 (a: '838:59:59' on the source, '838:59:58' on the target)
UPDATE t SET a = '838:59:58' WHERE id = 1;
-- t: changed 2
UPDATE t SET a = '00:00:01' WHERE id = 2;
-- t: changed 2
UPDATE t SET b = '00:00:00.000001' WHERE id = 2;
-- t: changed 3
UPDATE t SET a = '01:00:00' WHERE id = 3;
