INSERT INTO listing (title, body) VALUES ('Tower', 'with a view'), ('Barn', NULL);
DELETE FROM listing WHERE title = 'Office';
UPDATE plain_aria SET note = 'b';
DELETE FROM listing WHERE title = 'Barn';
BEGIN; INSERT INTO listing (title) VALUES ('never was'); ROLLBACK;
