UPDATE every_type SET vc = 'changed', bits = b'1', tm = '-00:00:01', fl = fl / 3 WHERE id = 3;
INSERT INTO every_type (id, ts3, uu, i6, po) VALUES (4, '2026-06-01 00:00:00', '00000000-0000-0000-0000-000000000001', '::1', POINT(0, -0.0));
DELETE FROM every_type WHERE id = 1; UPDATE places SET at = POINT(3, 3);
