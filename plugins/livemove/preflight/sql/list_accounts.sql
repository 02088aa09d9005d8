SELECT u.user, u.host, p.privilege_type AS privilege
FROM mysql.user AS u
LEFT JOIN information_schema.user_privileges AS p
  ON p.grantee = CONCAT('''', u.user, '''@''', u.host, '''')
WHERE u.user IN %(accounts)s
ORDER BY u.user, u.host
