INSERT INTO picture VALUES (11, REPEAT('y', 70000), NULL, '', '[]');
