-- t: changed 7 (hidden: '5' on the source, '6' on the target)
UPDATE t SET hidden = 6 WHERE id = 7;
-- t: changed 8 (a: '8' on the source, '9' on the target; kept: '9' on the source, '10' on the target)
UPDATE t SET a = 9 WHERE id = 8;
