SELECT * FROM information_schema.key_column_usage WHERE constraint_schema IN %(schemas)s
