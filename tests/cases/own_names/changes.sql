INSERT INTO control VALUES (3, 'CEDED', 3);
UPDATE watermark_source_target SET number = 2;
INSERT INTO awsdms_status VALUES (1, 'x');
