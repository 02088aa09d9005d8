INSERT INTO node (parent, name) VALUES (1, 'first after');
