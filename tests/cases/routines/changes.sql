SET max_sp_recursion_depth = 20;
CALL a_first(2);
CALL walks();
SET sql_mode = ORACLE;
CALL tools.p(5);
