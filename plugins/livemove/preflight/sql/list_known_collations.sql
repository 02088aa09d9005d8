SELECT collation_name AS name FROM information_schema.collations
