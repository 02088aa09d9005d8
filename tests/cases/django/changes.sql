UPDATE django_session SET session_data = 'only the LOB' WHERE session_key = MD5(3);
INSERT INTO shop_order (payload, note, photo, `where`, amount, created_at) VALUES ('[]', '', '', POINT(1, 1), 1, NOW(6));
UPDATE shop_order SET payload = '{"a": 1}', amount = amount + 1, updated_at = '2026-01-03', seen_at = '2026-01-03' WHERE id < 4;
UPDATE shop_order SET amount = 9 WHERE id = 5;
UPDATE shop_order SET note = 'only the LOB', updated_at = updated_at, seen_at = seen_at WHERE id = 6;
UPDATE plain SET n = n + 1 WHERE id < 3;
DELETE FROM shop_order WHERE id = 7;
