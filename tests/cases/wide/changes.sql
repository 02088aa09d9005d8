UPDATE wide SET c150 = 'x', c149 = '2026-01-01' WHERE id % 2;
DELETE FROM wide WHERE id > 290;
