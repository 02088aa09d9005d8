-- Code whose definers do not exist any more; a view over a view of such a one
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT);
CREATE TABLE seen (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(200));
CREATE USER ghost@`10.1.%`, `left us`@`old host`;
GRANT ALL ON ghosts.* TO ghost@`10.1.%`, `left us`@`old host`;
CREATE DEFINER=ghost@`10.1.%` VIEW v AS SELECT id FROM t;
CREATE DEFINER=`left us`@`old host` SQL SECURITY INVOKER VIEW v_invoker AS SELECT id FROM v;
CREATE DEFINER=ghost@`10.1.%` FUNCTION f(x INT) RETURNS INT DETERMINISTIC SQL SECURITY INVOKER RETURN x + 1;
CREATE DEFINER=ghost@`10.1.%` PROCEDURE p() SELECT 1;
CREATE TRIGGER of_root AFTER INSERT ON t FOR EACH ROW INSERT INTO seen (who) VALUES (CONCAT('row ', new.id));
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DO CALL p();
DROP USER ghost@`10.1.%`, `left us`@`old host`;
