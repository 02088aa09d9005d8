INSERT INTO not_first (code, n) VALUES ('a', 1), ('b', NULL);
INSERT INTO unique_one (n) VALUES (1), (2), (3);
DELETE FROM unique_one WHERE id = 3;
INSERT INTO per_group (grp, name) VALUES ('a', 'x'), ('b', 'y'), ('a', 'z');
INSERT INTO second_in_key (a) VALUES (9), (9), (8);
INSERT INTO uses_it (t) VALUES (1), (2);
