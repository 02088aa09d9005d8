-- A tree in one table, loaded in any order, deleted from the root
CREATE TABLE node (id INT PRIMARY KEY AUTO_INCREMENT, parent INT, name VARCHAR(20), CONSTRAINT up FOREIGN KEY (parent) REFERENCES node (id) ON DELETE CASCADE, UNIQUE KEY sibling (parent, name));
CREATE TABLE both_ways (id INT PRIMARY KEY, next INT NOT NULL, CONSTRAINT ring FOREIGN KEY (next) REFERENCES both_ways (id));
