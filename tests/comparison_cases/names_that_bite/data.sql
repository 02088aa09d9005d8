CREATE TABLE `100% #1``s "t"` (`a%s` INT, `b``c` VARCHAR(9), `select` INT, `매물 번호` INT, PRIMARY KEY (`a%s`, `매물 번호`));
INSERT INTO `100% #1``s "t"` VALUES (1, '%s', 1, 1), (2, '%', 2, 2), (3, NULL, 3, 3);
