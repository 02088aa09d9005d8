SELECT * FROM information_schema.partitions WHERE table_schema IN %(schemas)s AND partition_name IS NOT NULL
