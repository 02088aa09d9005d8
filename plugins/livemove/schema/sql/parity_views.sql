SELECT * FROM information_schema.views WHERE table_schema IN %(schemas)s
