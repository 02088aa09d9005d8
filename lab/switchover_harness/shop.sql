-- The harness's application schema, on both databases: a key that counts, a foreign key, counters that a trigger keeps.
CREATE DATABASE shop CHARACTER SET utf8mb4;

CREATE TABLE shop.customers (
  id     INT NOT NULL PRIMARY KEY,
  orders INT NOT NULL DEFAULT 0 COMMENT 'kept by the trigger: a lost or doubled effect shows as a wrong sum'
) ENGINE = InnoDB;

-- k is not unique on purpose: a write that happens twice must be seen
CREATE TABLE shop.orders (
  id       INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  k        VARCHAR(60) NOT NULL,
  customer INT NOT NULL,
  note     LONGTEXT NOT NULL DEFAULT 'DMS writes it by a second statement',
  touched  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  KEY (k),
  CONSTRAINT ordered_by FOREIGN KEY (customer) REFERENCES shop.customers (id)
) ENGINE = InnoDB;

CREATE TABLE shop.order_audit (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  k  VARCHAR(60) NOT NULL,
  KEY (k)
) ENGINE = InnoDB;

CREATE TABLE shop.ticks (
  id    INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  token VARCHAR(60) NOT NULL
) ENGINE = InnoDB;

INSERT INTO shop.customers (id) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12);
