SELECT grantee, table_schema, table_name, privilege_type, is_grantable FROM information_schema.table_privileges
WHERE table_schema IN %(schemas)s AND SUBSTRING_INDEX(SUBSTRING(grantee, 2), '''', 1) IN %(accounts)s
