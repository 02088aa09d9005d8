INSERT INTO person (shop_id, chief_id) VALUES (1, 50); DELETE FROM person WHERE id = 50;
