-- t: changed 1 (p:
UPDATE t SET p = POINT(127.0276, 37.49790000000001) WHERE id = 1;
-- t: changed 1 (g:
UPDATE t SET g = ST_GeomFromText('LINESTRING(1 1, 0 0)') WHERE id = 1;
-- t: changed 2 (g:
UPDATE t SET g = ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0))', 0) WHERE id = 2;
-- t: changed 3 (p:
UPDATE t SET p = NULL WHERE id = 3;
