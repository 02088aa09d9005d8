-- t: changed 2; changed 9
UPDATE t SET v = v + 1 WHERE id IN (2, 9);
-- t: changed 1; changed 2
UPDATE t SET v = IF(id = 1, 2, 1) WHERE id IN (1, 2);
-- t: changed 8
UPDATE t SET v = w, w = 1 WHERE id = 8;
-- t: 1200 changed
UPDATE t SET v = v ^ 1;
