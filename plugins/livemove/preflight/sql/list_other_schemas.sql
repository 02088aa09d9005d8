SELECT schema_name AS name FROM information_schema.schemata
WHERE schema_name NOT IN %(schemas)s
  AND schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys', 'livemove', 'livemove_trial', 'awsdms_control')
