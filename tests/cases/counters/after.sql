INSERT INTO not_first (code, n) VALUES ('e', 5);
INSERT INTO unique_one (n) VALUES (6);
INSERT INTO per_group (grp, name) VALUES ('a', 'v'), ('b', 'u');
INSERT INTO second_in_key (a) VALUES (2);
