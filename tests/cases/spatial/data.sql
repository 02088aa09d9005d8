INSERT INTO place (at, area, line, many, any, col) SELECT ST_GeomFromText(CONCAT('POINT(', seq, ' ', -seq, ')'), 4326), ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0),(1 1,2 1,2 2,1 1))'), ST_GeomFromText('LINESTRING(0 0, 1e300 1e-300)'), NULL, POINT(0.1, seq), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))') FROM seq_1_to_30;
INSERT INTO old_place VALUES (1, POINT(1, 2)), (2, POINT(-0.0, 0));
INSERT INTO aria_place VALUES (1, POINT(3, 4));
