-- As Django makes them: JSONField and TextField that are NOT NULL; and what Laravel or a person adds: ON UPDATE beside a LOB
CREATE TABLE django_session (
  session_key VARCHAR(40) NOT NULL PRIMARY KEY,
  session_data LONGTEXT NOT NULL,
  expire_date DATETIME(6) NOT NULL,
  KEY expire (expire_date)
);
CREATE TABLE shop_order (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  payload JSON NOT NULL CHECK (JSON_VALID(payload)),
  note LONGTEXT NOT NULL,
  photo LONGBLOB NOT NULL,
  `where` POINT NOT NULL,
  amount DECIMAL(10, 2) NOT NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6) COMMENT 'ON UPDATE now() as said',
  seen_at DATETIME NULL ON UPDATE CURRENT_TIMESTAMP,
  SPATIAL KEY place (`where`)
);
CREATE TABLE plain (id INT PRIMARY KEY, n INT, updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
