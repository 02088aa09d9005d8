SELECT * FROM information_schema.columns WHERE table_schema IN %(schemas)s
