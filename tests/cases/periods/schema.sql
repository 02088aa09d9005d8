-- Application-time periods: rows as any other, the server splits them
CREATE TABLE rent (id INT NOT NULL, who VARCHAR(20), since DATE NOT NULL, until DATE NOT NULL, PERIOD FOR stay (since, until), PRIMARY KEY (id, stay WITHOUT OVERLAPS), KEY (who));
CREATE TABLE price (id INT PRIMARY KEY AUTO_INCREMENT, a TIMESTAMP(6) NOT NULL DEFAULT '2020-01-01', b TIMESTAMP(6) NOT NULL DEFAULT '2030-01-01', PERIOD FOR valid (a, b));
