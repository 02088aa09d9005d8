INSERT INTO places (at, area) VALUES (POINT(5, 5), ST_GeomFromText('POLYGON((0 0, 0 1, 1 1, 0 0))'));
INSERT INTO every_type (id, ts3) VALUES (9, '2026-07-01 00:00:00');
