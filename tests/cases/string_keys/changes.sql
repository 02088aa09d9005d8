UPDATE ci SET name = '漢江' WHERE name = '한강';
UPDATE ci SET code = 'B' WHERE code = 'b';
UPDATE bin SET a = 0x01 WHERE a = 0x00;
UPDATE nopad SET a = 'a   ' WHERE a = 'a';
DELETE FROM part WHERE v = 2;
