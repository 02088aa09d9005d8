SELECT variable_name AS name, global_value_origin AS origin
FROM information_schema.system_variables
