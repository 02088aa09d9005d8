-- A small schema of its own, for rehearsals with somebody's dump: the same application writes here,
-- and it moves together with the dump's schemas. Table and column names are those of `shop`.
CREATE DATABASE IF NOT EXISTS livemove_traffic CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE livemove_traffic;

CREATE TABLE listings (
  id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind          VARCHAR(20)   NOT NULL DEFAULT 'apartment',
  status        VARCHAR(20)   NOT NULL DEFAULT 'open',
  title         VARCHAR(200)  NOT NULL,
  description   TEXT          NOT NULL,
  price         DECIMAL(15,2) NOT NULL,
  area_m2       DECIMAL(8,2)  NOT NULL,
  enquiry_count INT UNSIGNED  NOT NULL DEFAULT 0,
  order_count   INT UNSIGNED  NOT NULL DEFAULT 0,
  listed_at     DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB;

CREATE TABLE enquiries (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  listing_id      BIGINT UNSIGNED NOT NULL,
  contact         VARCHAR(160)    NOT NULL,
  message         TEXT            NOT NULL,
  created_at      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  UNIQUE KEY uq_enquiries_key (idempotency_key),
  KEY ix_enquiries_listing (listing_id),
  CONSTRAINT fk_traffic_enquiries_listing FOREIGN KEY (listing_id) REFERENCES listings (id)
) ENGINE=InnoDB;

CREATE TABLE orders (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  listing_id      BIGINT UNSIGNED NOT NULL,
  status          VARCHAR(20)     NOT NULL DEFAULT 'new',
  amount          DECIMAL(15,2)   NOT NULL,
  details         JSON            NULL,
  created_at      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  UNIQUE KEY uq_orders_key (idempotency_key),
  KEY ix_orders_listing (listing_id),
  CONSTRAINT fk_traffic_orders_listing FOREIGN KEY (listing_id) REFERENCES listings (id)
) ENGINE=InnoDB;

CREATE TABLE order_audit (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id        BIGINT UNSIGNED NOT NULL,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  action          VARCHAR(10)     NOT NULL,
  amount          DECIMAL(15,2)   NOT NULL,
  at              DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  KEY ix_audit_key (idempotency_key, action),
  KEY ix_audit_order (order_id)
) ENGINE=InnoDB;

CREATE TABLE app_probe (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  site            VARCHAR(20)     NOT NULL,
  host            VARCHAR(80)     NOT NULL,
  at              DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  UNIQUE KEY uq_probe_key (idempotency_key)
) ENGINE=InnoDB;

INSERT INTO listings (id, title, description, price, area_m2)
  SELECT seq, CONCAT('테스트 매물 ', seq, ' 🏠'), 'made for the rehearsal', 100000000 + seq * 1000, 50 + seq
  FROM seq_1_to_200;

DELIMITER //
CREATE TRIGGER enquiries_count AFTER INSERT ON enquiries FOR EACH ROW
  UPDATE listings SET enquiry_count = enquiry_count + 1 WHERE id = NEW.listing_id
//
CREATE TRIGGER orders_insert_audit AFTER INSERT ON orders FOR EACH ROW
BEGIN
  INSERT INTO order_audit (order_id, idempotency_key, action, amount, at)
    VALUES (NEW.id, NEW.idempotency_key, 'insert', NEW.amount, NEW.created_at);
  UPDATE listings SET order_count = order_count + 1 WHERE id = NEW.listing_id;
END
//
DELIMITER ;
