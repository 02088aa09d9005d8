SELECT * FROM information_schema.triggers WHERE trigger_schema IN %(schemas)s AND trigger_name NOT LIKE 'livemove\_lob\_%%'
