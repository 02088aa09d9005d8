INSERT INTO place (at, area) VALUES (ST_GeomFromText('POINT(1 1)', 4326), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'));
