SELECT * FROM information_schema.triggers WHERE trigger_schema IN %(schemas)s
