INSERT INTO tick (at, what) VALUES ('2026-01-01', 'application');
