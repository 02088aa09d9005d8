INSERT INTO none_at_all VALUES (1, 'x'); INSERT INTO unique_only VALUES (5, 'e', 5);
