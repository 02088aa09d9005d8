INSERT INTO control VALUES (1, 'OPEN', 1), (2, 'FENCED', 2);
INSERT INTO watermark_source_target VALUES ('drain', 1);
INSERT INTO application_account VALUES ('shop_app');
