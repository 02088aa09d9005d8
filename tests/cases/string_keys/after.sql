INSERT INTO ci VALUES ('new', 'n', 'n', 9);
INSERT INTO child VALUES ('new', 'n', 'n', 9);
