SELECT * FROM information_schema.check_constraints WHERE constraint_schema IN %(schemas)s
