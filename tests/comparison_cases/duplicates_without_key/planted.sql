-- t: as a whole; 1 changed
DELETE FROM t WHERE a = 1 AND b = 'x' LIMIT 1;
-- t: as a whole; 1 changed
DELETE FROM t WHERE a = 1 AND b = 'x' LIMIT 2;
-- t: 1 extra
INSERT INTO t VALUES (NULL, NULL);
-- loose: as a whole; 1 changed
INSERT INTO loose VALUES (NULL, 2);
-- loose: as a whole; 1 missing, 1 extra
UPDATE loose SET b = 3 WHERE a IS NULL AND b = 1;
