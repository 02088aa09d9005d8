INSERT INTO `매물` (`이름`, `종류`) VALUES ('첫째', '아파트');
