UPDATE place SET at = ST_GeomFromText('POINT(9 9)', 4326), line = NULL WHERE id = 3;
INSERT INTO old_place VALUES (3, POINT(5, 5));
DELETE FROM aria_place;
