-- An engine that RDS does not have
CREATE TABLE export (id INT NOT NULL, v VARCHAR(20) NOT NULL) ENGINE=CSV;
CREATE TABLE plain (id INT PRIMARY KEY);
