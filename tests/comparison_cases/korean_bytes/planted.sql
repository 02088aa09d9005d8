-- t: changed 1 (a: '서울특별시' on the source, '서울특별씨' on the target)
UPDATE t SET a = '서울특별씨' WHERE id = 1;
-- t: changed 1 (b:
UPDATE t SET b = '한 글' WHERE id = 1;
-- by_name: changed '마포구'
UPDATE by_name SET v = 7 WHERE v = 2;
-- by_name: missing '종로구'
DELETE FROM by_name WHERE v = 3;
