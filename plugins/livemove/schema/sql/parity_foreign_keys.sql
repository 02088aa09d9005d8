SELECT * FROM information_schema.referential_constraints WHERE constraint_schema IN %(schemas)s
