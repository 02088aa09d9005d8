SELECT DISTINCT collation_name AS name FROM information_schema.columns
WHERE table_schema IN %(schemas)s AND collation_name IS NOT NULL
UNION
SELECT DISTINCT table_collation FROM information_schema.tables
WHERE table_schema IN %(schemas)s AND table_collation IS NOT NULL
UNION
SELECT default_collation_name FROM information_schema.schemata WHERE schema_name IN %(schemas)s
