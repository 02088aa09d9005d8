INSERT INTO not_first (code, n) VALUES ('c', 3), ('d', 4); DELETE FROM not_first WHERE code IN ('c', 'd');
INSERT INTO unique_one (n) VALUES (4), (5); DELETE FROM unique_one WHERE n > 3;
INSERT INTO per_group (grp, name) VALUES ('a', 'w');
INSERT INTO second_in_key (a) VALUES (1); DELETE FROM second_in_key WHERE a = 1;
INSERT INTO uses_it (t) VALUES (3);
