INSERT INTO t (n, note) VALUES (4, greet('d')); UPDATE t SET n = 5 WHERE id = 2; CALL from_latin1(1, @y, @z);
