DELETE FROM none_at_all WHERE a = 1 LIMIT 1; UPDATE nullable_unique SET b = 'c' WHERE a IS NULL LIMIT 1;
UPDATE by_enum SET n = 5 WHERE e = 'a'; UPDATE by_float SET v = 3 WHERE f > 1; DELETE FROM by_bit WHERE b = b'1';
UPDATE by_prefix SET t = 'abcd' WHERE v = 1; UPDATE unique_only SET v = 9 WHERE b = 'a'; INSERT INTO empty_one VALUES (1, 1);
