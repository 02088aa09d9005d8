INSERT INTO ci VALUES ('Seoul', 'A', '한강', 1), ('seoul', 'b', 'Ä', 2), ('', '', '', 3), ('부산', 'x ', '🏠', 4), ('부산', 'x\\', '''', 5);
INSERT INTO bin VALUES ('', '', 0), (0x00, '', 1), (0x0000, 'a ', 2), (0x5C27, 'a', 3);
INSERT INTO part VALUES ('abcdefghijK', 'abcde1', 1), ('abcdefghik', 'abcdf', 2);
INSERT INTO nopad VALUES ('a', 1), ('a ', 2), ('a  ', 3);
INSERT INTO child VALUES ('Seoul', 'A', '한강', 1), (NULL, 'A', 'x', 2);
