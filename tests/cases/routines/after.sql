SET max_sp_recursion_depth = 20;
CALL z_last(1);
CALL walks();
INSERT INTO t (v, w) SELECT s, l FROM seen;
SET sql_mode = ORACLE;
CALL tools.p(6);
