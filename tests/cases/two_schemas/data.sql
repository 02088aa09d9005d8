INSERT INTO two_schemas_base.country VALUES ('kr', '대한민국'), ('de', 'Deutschland');
INSERT INTO city (country) VALUES ('kr'), ('de'), (NULL);
