-- t: changed b"'", b"\\'%" (v:
UPDATE t SET v = 9 WHERE v = 4;
-- t: missing b'\x00\x00', b'a\x00\x00'
DELETE FROM t WHERE v = 3;
-- t: missing b'', b'\x00\x00\x00'; extra b'\x00\x00\x00', b'\x00\x00\x00'
UPDATE t SET k = X'000000' WHERE v = 1;
