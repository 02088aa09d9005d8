-- MariaDB's JSON is LONGTEXT with a check that bears the column's name
SELECT constraint_schema AS `schema`, table_name AS `table`, constraint_name AS name
FROM information_schema.check_constraints
WHERE constraint_schema IN %(schemas)s AND LOWER(check_clause) LIKE 'json_valid(%%'
