SET foreign_key_checks = 0;
INSERT INTO shop (id, manager_id) VALUES (1, 1), (2, 2);
INSERT INTO person (id, shop_id, chief_id) VALUES (1, 1, NULL), (2, 2, 1), (3, 1, 3);
INSERT INTO room VALUES (1, 1), (1, 2);
INSERT INTO booking VALUES (1, 1, 2, 'kr'), (2, NULL, NULL, NULL);
