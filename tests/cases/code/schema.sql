-- Stored code under different modes, clients and clocks; order of triggers; definers nobody knows
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL DEFAULT 0, note VARCHAR(100));
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(200));
CREATE TRIGGER second_one BEFORE INSERT ON t FOR EACH ROW SET new.n = new.n * 2;
CREATE TRIGGER first_one BEFORE INSERT ON t FOR EACH ROW PRECEDES second_one SET new.n = new.n + 1;
CREATE TRIGGER third_one BEFORE INSERT ON t FOR EACH ROW FOLLOWS second_one SET new.note = CONCAT(new.note, ' 셋');
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';
CREATE TRIGGER "quoted one" AFTER UPDATE ON "t" FOR EACH ROW INSERT INTO "log" (what) VALUES ('changed ' || new.id);
CREATE PROCEDURE "pipes"() SELECT 'a' || "id" FROM "t";
SET sql_mode = '';
SET collation_connection = utf8mb4_bin;
CREATE DEFINER=nobody@nowhere FUNCTION greet(who VARCHAR(20)) RETURNS VARCHAR(60) CHARSET utf8mb4 NO SQL SQL SECURITY INVOKER COMMENT 'it''s 인사' RETURN CONCAT('안녕 ', who);
SET NAMES latin1;
CREATE PROCEDURE from_latin1(IN x INT, OUT y INT, INOUT z DECIMAL(10,2)) MODIFIES SQL DATA SET y = x;
SET NAMES utf8mb4;
DELIMITER //
CREATE PROCEDURE `has ``ticks```()
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION ROLLBACK; -- a comment; with a semicolon
  /* DEFINER=`x`@`y` in a comment is no definer */
  INSERT INTO log (what) VALUES ('DEFINER=`x`@`y` ');
END//
DELIMITER ;
SET time_zone = '+09:00';
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' ON COMPLETION PRESERVE COMMENT 'ON COMPLETION PRESERVE ENABLE' DO INSERT INTO log (what) VALUES ('밤');
CREATE EVENT asleep ON SCHEDULE EVERY 2 HOUR STARTS '2030-01-01 00:00:00' DISABLE DO DELETE FROM log;
CREATE DEFINER=nobody@nowhere EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' DO CALL pipes();
