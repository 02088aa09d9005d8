INSERT INTO session VALUES ('c', 3); DELETE FROM session WHERE id = 'a'; UPDATE part_1 SET v = 5;
