-- 100% #1`s "t": changed 2, 2 (b`c: '%' on the source, '%%' on the target)
UPDATE `100% #1``s "t"` SET `b``c` = '%%' WHERE `a%s` = 2;
-- 100% #1`s "t": missing 3, 3
DELETE FROM `100% #1``s "t"` WHERE `a%s` = 3;
