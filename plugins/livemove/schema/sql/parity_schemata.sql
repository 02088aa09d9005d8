SELECT * FROM information_schema.schemata WHERE schema_name IN %(schemas)s
