INSERT INTO session VALUES ('a', 1), ('b', 2);
INSERT INTO part_1 VALUES (1, 1); INSERT INTO part_2 VALUES (2, 2);
