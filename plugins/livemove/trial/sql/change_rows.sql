-- What CDC brings: each kind of change, on each kind of column. The session's zone is UTC.
INSERT INTO moment VALUES
  (%(first)s + 11, 'change', 1700000001, FROM_UNIXTIME(1700000001), '2023-11-14 22:13:21'),
  (%(first)s + 12, 'change', 1751328001, FROM_UNIXTIME(1751328001), '2025-07-01 00:00:01');
UPDATE moment SET at = FROM_UNIXTIME(unix + 60), unix = unix + 60, came = 'change' WHERE id = 2;
INSERT INTO lob (n, text_required, text_optional, bytes_required, doc, place)
  VALUES (1, REPEAT('새 줄', 30000), 'here', REPEAT('b', 80000), '{"new": true}', POINT(3, 4));
UPDATE lob SET n = n + 1, text_required = REPEAT('y', 90000), doc = '{"a": 2}' WHERE id = 2;
UPDATE lob SET n = n + 1 WHERE id = 1;
UPDATE lob SET n = n + 1, text_optional = NULL, place = POINT(5, 6) WHERE id = 3;
INSERT INTO word VALUES (%(first)s + 11, 'b', 'y', '🏠🔑', '전월세', 1, '1970-01-01', b'1', x'ff');
UPDATE word SET emoji = '🚀', korean = '방배동 아파트', kind = '가', flags = 'x,y,z' WHERE id = 2;
INSERT INTO parent VALUES (%(first)s + 11, 'new');
INSERT INTO child VALUES (%(first)s + 11, %(first)s + 11), (%(first)s + 12, 3);
DELETE FROM parent WHERE id = %(gone)s;
