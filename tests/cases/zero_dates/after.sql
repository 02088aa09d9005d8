SET sql_mode = '';
INSERT INTO old (s) VALUES ('y');
INSERT INTO by_day VALUES ('0000-00-00', 9);
