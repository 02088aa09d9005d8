-- Columns that SELECT * does not show: with and without a default, generated, in the middle, as a key
CREATE TABLE hidden_key (id INT NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY, v VARCHAR(20));
CREATE TABLE hidden_middle (a INT PRIMARY KEY, b INT INVISIBLE DEFAULT 7, c INT, d INT AS (a + b) STORED INVISIBLE, e TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) INVISIBLE, KEY (b), KEY (d));
