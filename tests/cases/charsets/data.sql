INSERT INTO `매물` (`이름`, `종류`) VALUES ('한강', '아파트'), ('바다', '빌라');
INSERT INTO `select` VALUES (1, 'g', 2, 3), (2, NULL, NULL, NULL);
INSERT INTO latin_keys VALUES ('äpfel', 1), ('Zürich', 2), ('apfelz', 3), ('€', 4);
INSERT INTO euc VALUES ('가', '나'), ('힣', NULL), ('a', '');
INSERT INTO ci_keys VALUES ('Ab', '가', 1), ('aB', '나', 2), ('한', 'x', 3), ('😀', 'y', 4), ('tail ', 'z', 5);
INSERT INTO bin_keys VALUES (0x00, '2026-01-01'), (UNHEX('ff27255c0a'), NULL), ('''"\\', '2026-01-02');
