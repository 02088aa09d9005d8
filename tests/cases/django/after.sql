INSERT INTO shop_order (payload, note, photo, `where`, amount, created_at, updated_at) VALUES ('{}', 'n', 'p', POINT(0, 1), 1, '2026-01-01', '2026-01-01');
UPDATE shop_order SET amount = 7, updated_at = '2026-01-04', seen_at = '2026-01-04' WHERE id = 2;
