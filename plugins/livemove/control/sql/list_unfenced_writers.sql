-- who may write and is not fenced: sessions of accounts that are neither the application's nor livemove's, the
-- server's or a replica's, with such rights on everything or on the application's schemas; and application accounts
-- with rights that pass the fence. A definer_of_... is locked: under its name the application runs a routine
SELECT CONCAT('session ', p.ID, ' of ', p.USER, '@', SUBSTRING_INDEX(p.HOST, ':', 1)) AS who
  FROM information_schema.PROCESSLIST p
 WHERE p.USER NOT IN ('system user', 'event_scheduler', 'unauthenticated user', 'rdsadmin', 'rdsrepladmin')
   AND p.USER NOT LIKE 'livemove\_%%' AND p.USER NOT LIKE 'definer\_of\_%%' AND p.COMMAND NOT LIKE 'Binlog Dump%%'
   AND BINARY p.USER <> BINARY SUBSTRING_INDEX(USER(), '@', 1)
   AND BINARY p.USER NOT IN (SELECT BINARY user FROM livemove.application_account)
   AND (EXISTS (SELECT 1 FROM mysql.roles_mapping r WHERE BINARY r.User = BINARY p.USER)
     OR EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES g
                 WHERE g.GRANTEE LIKE CONCAT(QUOTE(p.USER), '@%%') AND g.PRIVILEGE_TYPE IN %(writes)s)
     OR EXISTS (SELECT 1 FROM information_schema.SCHEMA_PRIVILEGES g
                  JOIN livemove.application_schema a ON a.name LIKE g.TABLE_SCHEMA
                 WHERE g.GRANTEE LIKE CONCAT(QUOTE(p.USER), '@%%') AND g.PRIVILEGE_TYPE IN %(writes)s)
     OR EXISTS (SELECT 1 FROM information_schema.TABLE_PRIVILEGES g
                  JOIN livemove.application_schema a ON a.name = g.TABLE_SCHEMA
                 WHERE g.GRANTEE LIKE CONCAT(QUOTE(p.USER), '@%%') AND g.PRIVILEGE_TYPE IN %(writes)s))
 UNION
SELECT CONCAT('application account ', g.GRANTEE, ' with ', g.PRIVILEGE_TYPE)
  FROM information_schema.USER_PRIVILEGES g
  JOIN livemove.application_account a ON g.GRANTEE LIKE CONCAT(QUOTE(a.user), '@%%')
 WHERE g.PRIVILEGE_TYPE IN %(passes)s
