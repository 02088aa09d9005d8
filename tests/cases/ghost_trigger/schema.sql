-- A trigger whose definer is gone fails at each UPDATE; on RDS it would work, as the master user
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT);
CREATE USER ghost@`10.2.%`;
GRANT ALL ON ghost_trigger.* TO ghost@`10.2.%`;
CREATE DEFINER=ghost@`10.2.%` TRIGGER of_a_ghost BEFORE UPDATE ON t FOR EACH ROW SET new.v = 1;
DROP USER ghost@`10.2.%`;
