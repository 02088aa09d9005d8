INSERT INTO node (parent, name) VALUES (20, 'new');
DELETE FROM node WHERE id = 9;
UPDATE both_ways SET next = 1 WHERE id = 2;
