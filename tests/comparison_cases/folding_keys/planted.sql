-- t: changed 'ß', 'w' (v: '4' on the source, '5' on the target)
UPDATE t SET v = 5 WHERE a = 'ß' AND b = 'w';
-- t: missing 'ss', 'z'; extra 'SS', 'z'
UPDATE t SET a = 'SS' WHERE a = 'ss' AND b = 'z';
-- t: missing '', ''
DELETE FROM t WHERE a = '' AND b = '';
