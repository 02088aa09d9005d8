INSERT INTO `names_o'brien "q"`.`it's "1"` (`c"d`, `e.f`, `%s`) VALUES ('x', 1, 5), ('y', NULL, NULL);
INSERT INTO `names_한글`.`주문` (`금액`) VALUES (100);
INSERT INTO `names_a.b%c_d`.`t.u` VALUES (1, 2, 3); INSERT INTO `names_a.b%c_d`.`Case` VALUES (1, 1); INSERT INTO `names_a.b%c_d`.`case` VALUES (1, 2);
INSERT INTO `table` VALUES (1, 2, 3, 4);
INSERT INTO `names_a.b%c_d`.`a23456789012345678901234567890123456789012345678901234567890abcd` VALUES (1, 1);
