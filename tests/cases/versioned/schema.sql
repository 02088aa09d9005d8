-- History is made by the server that writes: no replicator carries it, and the target would write another one
CREATE TABLE price (id INT PRIMARY KEY, amount INT) WITH SYSTEM VERSIONING;
CREATE TABLE plain (id INT PRIMARY KEY, v INT);
