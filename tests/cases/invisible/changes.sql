INSERT INTO hidden_key VALUES ('c');
UPDATE hidden_middle SET b = 8 WHERE a = 1;
DELETE FROM hidden_key WHERE id = 1;
