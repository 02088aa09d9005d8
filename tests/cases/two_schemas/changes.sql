INSERT INTO city (country) VALUES ('de');
UPDATE two_schemas_base.country SET code = 'xx' WHERE code = 'de';
