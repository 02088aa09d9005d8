SELECT user, host, role FROM mysql.roles_mapping
WHERE user IN %(accounts)s
