SELECT CONCAT(constraint_schema, '.', table_name) AS `table`, constraint_name AS name,
       CONCAT_WS(', ', IF(delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'), CONCAT('ON DELETE ', delete_rule), NULL),
                       IF(update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'), CONCAT('ON UPDATE ', update_rule), NULL)) AS rules
FROM information_schema.referential_constraints
WHERE constraint_schema IN %(schemas)s
  AND (delete_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR update_rule IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))
ORDER BY 1, 2
