INSERT INTO estate VALUES (1, 100, 'a'), (2, 0, NULL);
INSERT INTO views_other.rate VALUES (1, 1.50);
