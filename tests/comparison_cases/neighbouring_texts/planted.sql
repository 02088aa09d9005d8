-- t: changed 1
UPDATE t SET a = 'a', b = 'bc' WHERE id = 1;
-- t: changed 2
UPDATE t SET b = 'ab', c = 'cd' WHERE id = 2;
-- t: changed 3
UPDATE t SET a = '2', b = 'x#y' WHERE id = 3;
-- t: changed 4
UPDATE t SET a = CONCAT(a, 'b'), b = '' WHERE id = 4;
-- t: changed 5
UPDATE t SET a = 'a' WHERE id = 5;
