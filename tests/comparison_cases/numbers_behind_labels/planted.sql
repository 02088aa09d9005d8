-- t: changed 1 (e:
UPDATE t SET e = 1 WHERE id = 1;
-- t: changed 2 (e:
UPDATE t SET e = 0 WHERE id = 2;
-- t: changed 2 (b64:
UPDATE t SET b64 = 18446744073709551614 WHERE id = 2;
-- t: changed 3 (s: 'x,z' on the source, 'x,y' on the target)
UPDATE t SET s = 'x,y' WHERE id = 3;
-- t: changed 1 (s:
UPDATE t SET s = NULL WHERE id = 1;
