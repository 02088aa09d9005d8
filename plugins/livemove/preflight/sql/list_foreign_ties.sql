SELECT CONCAT(constraint_schema, '.', table_name) AS `table`, constraint_name AS name,
       CONCAT(unique_constraint_schema, '.', referenced_table_name) AS refers_to
FROM information_schema.referential_constraints
WHERE (constraint_schema IN %(schemas)s) <> (unique_constraint_schema IN %(schemas)s)
ORDER BY 1, 2
