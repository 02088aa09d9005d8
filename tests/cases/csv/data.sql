INSERT INTO export VALUES (1, 'a');
