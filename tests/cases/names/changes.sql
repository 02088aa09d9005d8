INSERT INTO `names_o'brien "q"`.`it's "1"` (`c"d`) VALUES ('z');
UPDATE `names_a.b%c_d`.`Case` SET v = 9; DELETE FROM `names_a.b%c_d`.`case`;
UPDATE `names_a.b%c_d`.`t.u` SET `group by` = 4; UPDATE `table` SET `end\` = 5;
