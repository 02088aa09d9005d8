-- The rows of the full load. The session's zone is UTC.
INSERT INTO moment VALUES
  (1, 'load', 0000000001, FROM_UNIXTIME(0000000001), '1970-01-01 00:00:01'),
  (2, 'load', 1700000000, FROM_UNIXTIME(1700000000), '2023-11-14 22:13:20'),
  (3, 'load', 1751328000, FROM_UNIXTIME(1751328000), '2025-07-01 00:00:00');
INSERT INTO lob (n, text_required, text_optional, bytes_required, doc, place) VALUES
  (0, 'short', NULL, x'00ff', '{"a": [1, "가"]}', POINT(1, 2)),
  (0, REPEAT('길다', 40000), REPEAT('m', 70000), REPEAT(x'00ff', 40000), '{"a": null}', POINT(126.97, 37.56)),
  (0, '', '', '', '[]', POINT(0, 0)),
  (0, REPEAT('x', 700000), NULL, '', '"text"', POINT(-1, -1));
INSERT INTO word VALUES
  (1, '가', 'x,z', '😀 plain 가', '한글 완성형', 12345678901234567890.0123456789, '2024-02-29', b'101010101010', x'0001ff'),
  (2, 'c', '', '', '', -0.0000000001, NULL, NULL, NULL);
INSERT INTO parent VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO child VALUES (1, 1), (2, 1), (3, 2), (4, 3);
