-- t: as a whole; 1 changed
DELETE FROM t WHERE a = 1 AND b = 'x' LIMIT 1;
-- t: as a whole; 1 changed
DELETE FROM t WHERE a = 1 AND b = 'x' LIMIT 2;
-- t: 1 extra
INSERT INTO t VALUES (NULL, NULL);
-- loose: as a whole; 1 changed
INSERT INTO loose VALUES (NULL, 2);
