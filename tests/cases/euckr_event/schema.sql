-- An event that a client of another character set made: its body keeps the bytes, whoever disables it
CREATE TABLE history (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(60) CHARACTER SET utf8mb4);
SET @e = CONVERT('INSERT INTO history (what) VALUES (\'매물 마감\')' USING euckr);
SET character_set_client = euckr;
SET @x = 1;
EXECUTE IMMEDIATE CONCAT(CONVERT('CREATE EVENT closing ON SCHEDULE EVERY 1 DAY STARTS ''2035-01-01'' DO ' USING euckr), @e);
SET NAMES utf8mb4;
