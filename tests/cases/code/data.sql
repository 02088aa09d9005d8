INSERT INTO t (n, note) VALUES (1, 'a'), (2, NULL);
