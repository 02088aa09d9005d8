-- What an application of Laravel has beside its own tables: the one of its probe, as the guide has it, and its cache.
USE shop;
CREATE TABLE livemove_probe (id INT PRIMARY KEY, seen DATETIME(6) NOT NULL);
CREATE TABLE cache (
  `key`      VARCHAR(255) NOT NULL PRIMARY KEY,
  value      MEDIUMTEXT   NOT NULL,
  expiration INT          NOT NULL
) ENGINE=InnoDB;
