INSERT INTO `names_o'brien "q"`.`it's "1"` (`c"d`) VALUES ('after');
