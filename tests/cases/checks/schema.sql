-- CHECK constraints and expressions as defaults, also such that old rows do not keep
CREATE TABLE t (
  id INT PRIMARY KEY AUTO_INCREMENT,
  price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
  low INT, high INT, mail VARCHAR(100) DEFAULT (CONCAT('user', '@', 'example.com')),
  code CHAR(36) NOT NULL DEFAULT (UUID()),
  kind VARCHAR(10) NOT NULL DEFAULT 'a' CHECK (kind IN ('a', 'b', 'it''s', '가')),
  made DATE NOT NULL DEFAULT (CURDATE() + INTERVAL 1 DAY),
  doc LONGTEXT CHECK (JSON_VALID(doc)),
  `between` INT NOT NULL DEFAULT (1 + 2 * 3),
  CONSTRAINT ordered CHECK (low <= high), CONSTRAINT `with ``ticks``, (brackets` CHECK (mail LIKE '%@%' OR mail IS NULL)
);
CREATE TABLE broken (id INT PRIMARY KEY, v INT);
