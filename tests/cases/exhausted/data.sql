SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO full_up VALUES (254, 1);
INSERT INTO below VALUES (-5, 1), (0, 2);
INSERT INTO ahead (v) VALUES (1);
INSERT INTO emptied (v) VALUES (1), (2), (3); DELETE FROM emptied;
INSERT INTO real_one (v) VALUES (1);
INSERT INTO split (v) VALUES (1), (2); DELETE FROM split WHERE id = 2;
INSERT INTO aria_one (v) VALUES (1), (2), (3); DELETE FROM aria_one WHERE id > 1;
INSERT INTO grouped (g) VALUES ('a'), ('a'), ('b');
