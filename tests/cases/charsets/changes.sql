UPDATE `매물` SET `이름` = '산' WHERE `번호` = 2; UPDATE latin_keys SET name = 'ÿ' WHERE n = 2; UPDATE euc SET v = '똠방' WHERE k = 'a';
DELETE FROM ci_keys WHERE n = 1; UPDATE ci_keys SET name = '🏠' WHERE n = 4; UPDATE `select` SET `c,(d` = 9; DELETE FROM bin_keys WHERE id = UNHEX('ff27255c0a00000000000000000000');
INSERT INTO bin_keys VALUES (0x5C, '2027-01-01');
