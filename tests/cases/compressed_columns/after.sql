INSERT INTO c VALUES (101, 'after', 'é', '');
