INSERT INTO pages VALUES (3, 'c'); INSERT INTO aria VALUES (3, 'c');
