INSERT INTO kinds (id, d, c) VALUES (500, '', 'words to find');
