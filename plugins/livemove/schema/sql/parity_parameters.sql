SELECT * FROM information_schema.parameters WHERE specific_schema IN %(schemas)s
