SHOW GLOBAL VARIABLES WHERE variable_name IN
('sql_mode', 'character_set_server', 'collation_server', 'time_zone', 'lower_case_table_names', 'max_allowed_packet',
 'explicit_defaults_for_timestamp', 'tx_isolation', 'transaction_isolation', 'innodb_default_row_format',
 'default_storage_engine', 'event_scheduler', 'auto_increment_increment', 'auto_increment_offset',
 'ft_min_word_len', 'innodb_ft_min_token_size', 'group_concat_max_len', 'innodb_strict_mode', 'version')
