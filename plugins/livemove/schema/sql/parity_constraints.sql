SELECT * FROM information_schema.table_constraints WHERE constraint_schema IN %(schemas)s
