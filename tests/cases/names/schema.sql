-- Names that need care everywhere: quotes, backticks, dots, percent, blanks, reserved words, Korean, 64 characters, two cases
CREATE DATABASE `names_o'brien "q"`;
CREATE DATABASE `names_한글`;
CREATE DATABASE `names_a.b%c_d`;
CREATE TABLE `names_o'brien "q"`.`it's "1"` (`a'b` INT PRIMARY KEY AUTO_INCREMENT, `c"d` VARCHAR(10), `e.f` INT, `%s` INT, `a b` INT, KEY `i'x` (`c"d`), KEY `100%` (`%s`), CONSTRAINT `f'k` FOREIGN KEY (`e.f`) REFERENCES `names_o'brien "q"`.`it's "1"` (`a'b`));
CREATE TABLE `names_한글`.`주문` (`번호` INT PRIMARY KEY AUTO_INCREMENT, `금액` INT, `메모` VARCHAR(20) DEFAULT '없음', KEY `금액별` (`금액`));
CREATE TABLE `names_a.b%c_d`.`t.u` (`select` INT PRIMARY KEY, `from` INT, `group by` INT, KEY `order` (`from`));
CREATE TABLE `names_a.b%c_d`.`Case` (`ID` INT PRIMARY KEY, v INT);
CREATE TABLE `names_a.b%c_d`.`case` (`id` INT PRIMARY KEY, v INT);
CREATE TABLE `table` (`key` INT PRIMARY KEY, `index` INT, `back``tick` INT, `end\` INT, UNIQUE KEY `unique` (`index`));
CREATE TABLE `names_a.b%c_d`.`a23456789012345678901234567890123456789012345678901234567890abcd` (`b23456789012345678901234567890123456789012345678901234567890abcd` INT PRIMARY KEY, v INT);
CREATE VIEW `names_한글`.`보기 "1"` AS SELECT `번호` AS `it's` FROM `names_한글`.`주문`;
CREATE VIEW `view` AS SELECT `v`.`it's`, `t`.`back``tick` FROM `names_한글`.`보기 "1"` v JOIN `table` t;
CREATE TRIGGER `names_o'brien "q"`.`tr"ig'ger` AFTER INSERT ON `names_o'brien "q"`.`it's "1"` FOR EACH ROW INSERT INTO `names_한글`.`주문` (`금액`) VALUES (new.`a'b`);
CREATE PROCEDURE `names_a.b%c_d`.`p.q%`(IN `in` INT) SELECT `in`;
CREATE EVENT `names_한글`.`밤.마다` ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DO DELETE FROM `주문`;
