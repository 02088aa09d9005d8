-- The application's tables, columns and code have the names of livemove's and of DMS's own
CREATE TABLE control (id INT PRIMARY KEY, state VARCHAR(10), epoch INT);
CREATE TABLE watermark_source_target (stream VARCHAR(100) PRIMARY KEY, number BIGINT);
CREATE TABLE application_account (user VARCHAR(20) PRIMARY KEY);
CREATE TABLE awsdms_status (id INT PRIMARY KEY, task VARCHAR(20));
CREATE TABLE sleeping_event (id INT PRIMARY KEY AUTO_INCREMENT, k0 INT, h INT, n INT);
CREATE PROCEDURE watch() SELECT * FROM control;
CREATE EVENT livemove_tick ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DO DELETE FROM control;
CREATE TRIGGER livemove AFTER INSERT ON control FOR EACH ROW INSERT INTO sleeping_event (k0) VALUES (new.id);
CREATE VIEW livemove AS SELECT id FROM control;
