INSERT INTO t (n, note) VALUES (3, 'c'); UPDATE t SET n = 100 WHERE id = 1; CALL `has ``ticks```();
