INSERT INTO pages VALUES (2, 'b'); INSERT INTO fixed VALUES (2, 'b'); INSERT INTO aria VALUES (2, 'b'); INSERT INTO crashable VALUES (2, 'b');
UPDATE compressed SET v = CONCAT(v, 'z') WHERE id > 50; UPDATE redundant SET v = NULL;
