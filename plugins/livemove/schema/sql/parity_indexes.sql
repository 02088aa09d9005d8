SELECT * FROM information_schema.statistics WHERE table_schema IN %(schemas)s
