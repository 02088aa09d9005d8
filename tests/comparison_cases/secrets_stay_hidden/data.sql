CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(60), password_hash CHAR(64), api_token VARCHAR(64), card_no VARCHAR(20));
INSERT INTO users VALUES (1, 'kim@example.com', SHA2('x', 256), 'tok-1', '4111'), (2, 'lee@example.com', SHA2('y', 256), NULL, NULL);
