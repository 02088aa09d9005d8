-- Views over a table and a column that were dropped since: nobody can read them, and the target could not create them
CREATE TABLE t (id INT PRIMARY KEY, v INT);
CREATE TABLE gone (id INT PRIMARY KEY);
CREATE VIEW over_gone AS SELECT id FROM gone;
CREATE VIEW over_column AS SELECT v FROM t;
CREATE VIEW over_view AS SELECT id FROM over_gone;
DROP TABLE gone;
ALTER TABLE t DROP COLUMN v;
