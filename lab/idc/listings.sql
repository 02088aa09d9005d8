-- The property-listing site's database as it stands in the data centre.
-- Loaded empty; lab/idc/listings.py fills it, then listings_code.sql brings triggers, views, routines and events to life.
CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE shop;

CREATE TABLE regions (
  code        CHAR(5)      NOT NULL PRIMARY KEY,
  parent_code CHAR(5)      NULL,
  name        VARCHAR(60)  NOT NULL,
  CONSTRAINT fk_regions_parent FOREIGN KEY (parent_code) REFERENCES regions (code)
) ENGINE=InnoDB;

CREATE TABLE agencies (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name       VARCHAR(120) NOT NULL,
  licence    CHAR(12)     NOT NULL,
  logo       BLOB         NULL,
  opened_on  DATE         NULL,
  UNIQUE KEY uq_agencies_licence (licence)
) ENGINE=InnoDB;

CREATE TABLE agents (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  agency_id  INT UNSIGNED NOT NULL,
  name       VARCHAR(80)  NOT NULL,
  email      VARCHAR(160) CHARACTER SET ascii NOT NULL,
  phone      VARCHAR(20)  CHARACTER SET ascii NULL,
  rating     FLOAT        NULL,
  UNIQUE KEY uq_agents_email (email),
  KEY ix_agents_agency (agency_id),
  CONSTRAINT fk_agents_agency FOREIGN KEY (agency_id) REFERENCES agencies (id)
) ENGINE=InnoDB;

CREATE TABLE customers (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name       VARCHAR(80)  NOT NULL,
  email      VARCHAR(160) NOT NULL,
  wishes     JSON         NULL,
  marketing  BIT(1)       NOT NULL DEFAULT b'0',
  joined_at  TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  UNIQUE KEY uq_customers_email (email)
) ENGINE=InnoDB;

CREATE TABLE listings (
  id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  agent_id      INT UNSIGNED  NOT NULL,
  region_code   CHAR(5)       NOT NULL,
  kind          ENUM('apartment','house','office','land','villa') NOT NULL,
  status        ENUM('draft','open','reserved','sold') NOT NULL DEFAULT 'open',
  title         VARCHAR(200)  NOT NULL,
  description   TEXT          NOT NULL,
  price         DECIMAL(15,2) NOT NULL,
  area_m2       DECIMAL(8,2)  NOT NULL,
  features      JSON          NULL,
  latitude      DOUBLE        NULL,
  longitude     DOUBLE        NULL,
  enquiry_count INT UNSIGNED  NOT NULL DEFAULT 0,
  order_count   INT UNSIGNED  NOT NULL DEFAULT 0,
  listed_at     DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  sold_at       DATETIME(6)   NULL,
  updated_at    TIMESTAMP(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  KEY ix_listings_agent (agent_id),
  KEY ix_listings_region_status (region_code, status, price),
  KEY ix_listings_listed (listed_at),
  FULLTEXT KEY ft_listings_title (title),
  CONSTRAINT fk_listings_agent FOREIGN KEY (agent_id) REFERENCES agents (id),
  CONSTRAINT fk_listings_region FOREIGN KEY (region_code) REFERENCES regions (code),
  CONSTRAINT ck_listings_price CHECK (price >= 0)
) ENGINE=InnoDB;

CREATE TABLE listing_photos (
  listing_id BIGINT UNSIGNED   NOT NULL,
  position   SMALLINT UNSIGNED NOT NULL,
  caption    VARCHAR(120)      NULL,
  thumbnail  BLOB              NOT NULL,
  PRIMARY KEY (listing_id, position),
  CONSTRAINT fk_photos_listing FOREIGN KEY (listing_id) REFERENCES listings (id)
) ENGINE=InnoDB;

CREATE TABLE listing_views (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  listing_id BIGINT UNSIGNED NOT NULL,
  seen_at    DATETIME(6)     NOT NULL,
  seconds    DECIMAL(7,3)    NULL,
  KEY ix_views_listing (listing_id),
  CONSTRAINT fk_views_listing FOREIGN KEY (listing_id) REFERENCES listings (id)
) ENGINE=InnoDB;

CREATE TABLE price_history (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  listing_id BIGINT UNSIGNED NOT NULL,
  old_price  DECIMAL(15,2)   NULL,
  new_price  DECIMAL(15,2)   NOT NULL,
  changed_at DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  KEY ix_history_listing (listing_id, changed_at),
  CONSTRAINT fk_history_listing FOREIGN KEY (listing_id) REFERENCES listings (id)
) ENGINE=InnoDB;

CREATE TABLE enquiries (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  listing_id      BIGINT UNSIGNED NOT NULL,
  customer_id     INT UNSIGNED    NULL,
  contact         VARCHAR(160)    NOT NULL,
  message         TEXT            NOT NULL,
  created_at      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  UNIQUE KEY uq_enquiries_key (idempotency_key),
  KEY ix_enquiries_listing (listing_id),
  KEY ix_enquiries_customer (customer_id),
  CONSTRAINT fk_enquiries_listing FOREIGN KEY (listing_id) REFERENCES listings (id),
  CONSTRAINT fk_enquiries_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
) ENGINE=InnoDB;

CREATE TABLE orders (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  listing_id      BIGINT UNSIGNED NOT NULL,
  customer_id     INT UNSIGNED    NULL,
  status          ENUM('new','paid','cancelled') NOT NULL DEFAULT 'new',
  amount          DECIMAL(15,2)   NOT NULL,
  details         JSON            NULL,
  invoice         LONGTEXT        NOT NULL DEFAULT 'to be written',
  created_at      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  updated_at      TIMESTAMP(6)    NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  UNIQUE KEY uq_orders_key (idempotency_key),
  KEY ix_orders_listing (listing_id),
  KEY ix_orders_customer (customer_id),
  CONSTRAINT fk_orders_listing FOREIGN KEY (listing_id) REFERENCES listings (id),
  CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
) ENGINE=InnoDB;

-- written by triggers only: exactly one row for every order that was ever made, more for its changes
CREATE TABLE order_audit (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id        BIGINT UNSIGNED NOT NULL,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  action          ENUM('insert','update') NOT NULL,
  amount          DECIMAL(15,2)   NOT NULL,
  at              DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  KEY ix_audit_key (idempotency_key, action),
  KEY ix_audit_order (order_id),
  CONSTRAINT fk_audit_order FOREIGN KEY (order_id) REFERENCES orders (id)
) ENGINE=InnoDB;

CREATE TABLE region_statistics (
  region_code CHAR(5)       NOT NULL,
  kind        ENUM('apartment','house','office','land','villa') NOT NULL,
  listings    INT UNSIGNED  NOT NULL,
  mean_price  DECIMAL(17,4) NOT NULL,
  PRIMARY KEY (region_code, kind),
  CONSTRAINT fk_statistics_region FOREIGN KEY (region_code) REFERENCES regions (code)
) ENGINE=InnoDB;

CREATE TABLE app_probe (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  idempotency_key VARCHAR(64) CHARACTER SET ascii NOT NULL,
  site            VARCHAR(20)     NOT NULL,
  host            VARCHAR(80)     NOT NULL,
  at              DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  UNIQUE KEY uq_probe_key (idempotency_key)
) ENGINE=InnoDB;
