-- Old character sets, Korean names, reserved words and names that need care
ALTER DATABASE charsets CHARACTER SET euckr COLLATE euckr_korean_ci;
CREATE TABLE `매물` (`번호` INT NOT NULL AUTO_INCREMENT, `이름` VARCHAR(50) NOT NULL COMMENT '건물의 이름, ''정식''', `종류` ENUM('아파트','빌라') DEFAULT '빌라', PRIMARY KEY (`번호`), KEY `이름별` (`이름`)) DEFAULT CHARSET=utf8mb3 COMMENT '매물 (목록)';
CREATE TABLE `select` (`order` INT PRIMARY KEY, `group` VARCHAR(10) DEFAULT 'it''s', `a``b` INT, `c,(d` INT, KEY `key` (`group`), KEY `x``y` (`a``b`, `c,(d`)) COMMENT 'KEY `x` (`y`), )';
CREATE TABLE latin_keys (name VARCHAR(30) CHARACTER SET latin1 COLLATE latin1_german1_ci PRIMARY KEY, n INT);
CREATE TABLE euc (k VARCHAR(20) PRIMARY KEY, v TEXT);
CREATE TABLE ci_keys (name VARCHAR(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, part CHAR(3) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin, n INT, PRIMARY KEY (name, part));
CREATE TABLE bin_keys (id BINARY(16) PRIMARY KEY, day DATE, UNIQUE KEY (day));
CREATE VIEW `보기` AS SELECT `이름` AS `별칭` FROM `매물` WHERE `종류` = '아파트';
