-- Foreign keys in a circle, to oneself, over two columns, and to a key that is not unique
CREATE TABLE shop (
  id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  manager_id TINYINT UNSIGNED NOT NULL,
  UNIQUE KEY one_manager (manager_id)
);
CREATE TABLE person (
  id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  shop_id TINYINT UNSIGNED NOT NULL,
  chief_id TINYINT UNSIGNED NULL,
  region CHAR(2) NOT NULL DEFAULT 'kr',
  KEY by_region (region),
  CONSTRAINT person_shop FOREIGN KEY (shop_id) REFERENCES shop (id) ON UPDATE CASCADE,
  CONSTRAINT person_chief FOREIGN KEY (chief_id) REFERENCES person (id) ON DELETE SET NULL
);
ALTER TABLE shop ADD CONSTRAINT shop_manager FOREIGN KEY (manager_id) REFERENCES person (id) ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE TABLE room (a INT, b INT, PRIMARY KEY (a, b));
CREATE TABLE booking (
  id INT PRIMARY KEY, a INT, b INT, region CHAR(2),
  CONSTRAINT `booking room` FOREIGN KEY (a, b) REFERENCES room (a, b) ON DELETE CASCADE,
  CONSTRAINT by_region FOREIGN KEY (region) REFERENCES person (region)
);
