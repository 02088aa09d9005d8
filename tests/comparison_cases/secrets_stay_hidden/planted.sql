-- users: changed 1 (password_hash: (masked) on the source, (masked) on the target)
UPDATE users SET password_hash = SHA2('z', 256) WHERE id = 1;
-- users: changed 2 (api_token: NULL on the source, (masked) on the target)
UPDATE users SET api_token = 'stolen' WHERE id = 2;
-- users: changed 1 (card_no: (masked) on the source, (masked) on the target)
UPDATE users SET card_no = '4112' WHERE id = 1;
