-- Values that a strict server refuses: they were written when it was not strict
SET sql_mode = '';
CREATE TABLE old (id INT NOT NULL AUTO_INCREMENT, d DATE NOT NULL DEFAULT '0000-00-00', dt DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00', ts TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00', y YEAR NOT NULL DEFAULT 0, s VARCHAR(3) NOT NULL, e ENUM('a','b') NOT NULL, PRIMARY KEY (id), KEY (d));
CREATE TABLE by_day (d DATE NOT NULL, n INT, PRIMARY KEY (d));
