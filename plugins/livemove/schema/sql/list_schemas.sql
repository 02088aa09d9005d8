SELECT schema_name AS name, default_character_set_name AS charset, default_collation_name AS collation
FROM information_schema.schemata
WHERE schema_name IN %(schemas)s
ORDER BY schema_name
