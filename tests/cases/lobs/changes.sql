INSERT INTO picture VALUES (10, REPEAT(UNHEX('5C00'), 2621440), '', 'x', NULL);
UPDATE picture SET note = REPEAT('😀', 300000) WHERE id = 2;
UPDATE picture SET body = NULL WHERE id = 1;
