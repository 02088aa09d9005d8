SET sql_mode = '';
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('','a','b','#'), s SET('x','y','z'), b1 BIT(1), b64 BIT(64), z INT(8) ZEROFILL);
INSERT INTO t VALUES (1, 0, '', 0, 0, 7), (2, 1, 'x', 1, 18446744073709551615, 0), (3, 4, 'x,z', NULL, 255, NULL), (4, NULL, NULL, 1, NULL, 99999999);
