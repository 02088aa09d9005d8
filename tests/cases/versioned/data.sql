INSERT INTO price VALUES (1, 1), (2, 2);
UPDATE price SET amount = 10 WHERE id = 1;
INSERT INTO plain VALUES (1, 1);
