SET foreign_key_checks = 0;
INSERT INTO node VALUES (1, NULL, 'root'), (5, 9, 'leaf'), (9, 1, 'branch'), (12, 5, 'deep'), (20, NULL, 'root');
INSERT INTO both_ways VALUES (1, 2), (2, 3), (3, 1), (4, 4);
