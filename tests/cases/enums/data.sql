SET sql_mode = '';
INSERT INTO e VALUES (1, '1', 'it''s', '서울', 'é', 'a,b b', 'a0,g3'), (2, '0', 'c\\d', '🏠', 'ß', '', ''), (3, 'no such label', NULL, 'no', 'x', '셋,1', 'g3'), (4, 2, 1, 2, 3, 5, 9223372036854775808), (5, '', '`t`', NULL, NULL, 'nothing', NULL);
INSERT INTO keyed VALUES ('b', ''), ('a', 'x,y'), ('a', 'y');
