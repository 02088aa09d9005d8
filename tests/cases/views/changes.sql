INSERT INTO z_base (id, price) VALUES (3, 5); UPDATE views_other.rate SET rate = 2; DELETE FROM z_base WHERE id = 1;
