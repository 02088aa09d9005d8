INSERT INTO none_at_all VALUES (1, 'x'), (1, 'x'), (NULL, ''), (NULL, NULL);
INSERT INTO nullable_unique VALUES (NULL, 'a'), (NULL, 'a'), (1, 'b');
INSERT INTO by_enum VALUES ('z', 1, 1), ('a', 1, 2);
INSERT INTO by_float VALUES (0.1, 1), (1e30, 2);
INSERT INTO by_bit VALUES (b'1', 1), (b'11111111', 2);
INSERT INTO by_prefix VALUES ('abc', 1), ('abd', 2);
INSERT INTO unique_only VALUES (1, 'a', 1), (2, 'a', 2), (1, 'b', 3);
