-- accounts of the application that may put a view or a routine in the place of what triggers and events use
SELECT grantee, privilege_type AS privilege FROM information_schema.user_privileges
 WHERE privilege_type IN ('CREATE ROUTINE', 'CREATE VIEW') AND SUBSTRING_INDEX(grantee, '@', 1) IN %(quoted)s
UNION
SELECT grantee, privilege_type FROM information_schema.schema_privileges p
 WHERE privilege_type IN ('CREATE ROUTINE', 'CREATE VIEW') AND SUBSTRING_INDEX(grantee, '@', 1) IN %(quoted)s
   AND EXISTS (SELECT 1 FROM information_schema.schemata s
                WHERE s.schema_name IN %(schemas)s AND s.schema_name LIKE p.table_schema)
ORDER BY 1, 2
