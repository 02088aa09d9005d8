INSERT INTO estate (id, price) SELECT id + 100, tax FROM a_top; INSERT INTO z_base (id, price) VALUES (50, 7);
