INSERT INTO mixed VALUES (1, 'naïve €', '한글', '😀', 'Straße', '가나다', '漢字', 'ascii', 0xFF00, 'ソ表', '😀', 'Привет', 'ß'), (2, '', '', '', '', '', '', '', '', '', '', '', 'ss2'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO three VALUES ('a'), ('A'), ('가');
INSERT INTO four VALUES ('a', 'é'), ('가', 'ü'), ('a ', '-');
