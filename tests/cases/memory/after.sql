INSERT INTO session VALUES ('d', 4);
