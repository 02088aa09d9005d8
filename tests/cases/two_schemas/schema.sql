-- Foreign keys, views and triggers over two schemas that move together
CREATE DATABASE two_schemas_base CHARACTER SET latin1;
CREATE TABLE two_schemas_base.country (code CHAR(2) PRIMARY KEY, name VARCHAR(50) CHARACTER SET utf8mb4);
CREATE TABLE city (id INT PRIMARY KEY AUTO_INCREMENT, country CHAR(2) CHARACTER SET latin1, CONSTRAINT over_there FOREIGN KEY (country) REFERENCES two_schemas_base.country (code) ON UPDATE CASCADE);
CREATE VIEW two_schemas_base.named AS SELECT c.id, n.name FROM two_schemas.city c JOIN two_schemas_base.country n ON n.code = c.country;
CREATE TABLE two_schemas_base.note (id INT PRIMARY KEY AUTO_INCREMENT, city INT);
CREATE TRIGGER notes AFTER INSERT ON city FOR EACH ROW INSERT INTO two_schemas_base.note (city) VALUES (new.id);
