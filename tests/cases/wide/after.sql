INSERT INTO wide (c001) VALUES ('next');
