SELECT * FROM information_schema.routines WHERE routine_schema IN %(schemas)s
