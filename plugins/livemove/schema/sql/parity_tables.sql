SELECT * FROM information_schema.tables WHERE table_schema IN %(schemas)s
