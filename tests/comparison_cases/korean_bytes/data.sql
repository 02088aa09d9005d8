CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(40) CHARACTER SET euckr, b TEXT CHARACTER SET euckr, c VARCHAR(40) CHARACTER SET utf8mb3) DEFAULT CHARSET = euckr;
INSERT INTO t VALUES (1, '서울특별시', '한글', '서울'), (2, '', '', ''), (3, '똠방각하', NULL, '펲');
CREATE TABLE by_name (name VARCHAR(40) CHARACTER SET euckr PRIMARY KEY, v INT);
INSERT INTO by_name VALUES ('강남구', 1), ('마포구', 2), ('종로구', 3), ('', 4);
