INSERT INTO rent VALUES (1, 'kim', '2026-01-01', '2026-12-31'), (1, 'lee', '2027-01-01', '2027-06-01'), (2, 'park', '2026-01-01', '2030-01-01');
INSERT INTO price () VALUES ();
