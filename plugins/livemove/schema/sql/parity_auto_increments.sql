SELECT table_schema, table_name, auto_increment FROM information_schema.tables
WHERE table_schema IN %(schemas)s AND auto_increment IS NOT NULL
