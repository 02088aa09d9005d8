INSERT INTO below (v) VALUES (10); INSERT INTO ahead (v) VALUES (10); INSERT INTO emptied (v) VALUES (10);
INSERT INTO real_one (v) VALUES (10); INSERT INTO split (v) VALUES (10); INSERT INTO aria_one (v) VALUES (10);
INSERT INTO grouped (g) VALUES ('a'), ('b');
