INSERT INTO listing (title, body) VALUES ('House by the sea', 'three rooms'), ('Flat', NULL), ('Office', '');
DELETE FROM listing WHERE title = 'Flat';
INSERT INTO plain_aria VALUES (1, 'a'), (2, NULL);
