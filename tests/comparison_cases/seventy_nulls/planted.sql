-- t: changed 1 (c60: NULL on the source, 'b' on the target; c61: 'b' on the source, NULL on the target)
UPDATE t SET c60 = c61, c61 = NULL WHERE id = 1;
-- t: changed 2 (c70:
UPDATE t SET c70 = NULL WHERE id = 2;
-- t: changed 3 (c69: NULL on the source, '' on the target)
UPDATE t SET c69 = '' WHERE id = 3;
