INSERT INTO person (shop_id, chief_id) VALUES (2, 1); UPDATE person SET id = 50 WHERE id = 4; UPDATE shop SET id = 9 WHERE id = 2; DELETE FROM room WHERE b = 2;
