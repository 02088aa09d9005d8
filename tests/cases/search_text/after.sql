INSERT INTO listing (title, body) VALUES ('The first after the move', 'its id comes after that of the deleted barn');
DELETE FROM listing WHERE title = 'Tower';
