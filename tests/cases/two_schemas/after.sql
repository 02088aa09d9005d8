INSERT INTO city (country) VALUES ('kr');
UPDATE two_schemas_base.country SET code = 'yy' WHERE code = 'xx';
