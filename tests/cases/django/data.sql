INSERT INTO django_session SELECT MD5(seq), REPEAT('eyJ', seq), '2026-01-01' FROM seq_1_to_20;
INSERT INTO shop_order (payload, note, photo, `where`, amount, created_at, updated_at)
  SELECT JSON_OBJECT('n', seq), REPEAT('한', seq), UNHEX(SHA1(seq)), POINT(seq, -seq), seq, '2026-01-01', '2026-01-02' FROM seq_1_to_20;
INSERT INTO plain SELECT seq, seq, '2026-01-02' FROM seq_1_to_5;
