-- Views on views in the wrong order of names, across databases, with a function, and with every clause
CREATE DATABASE views_other CHARACTER SET latin1;
CREATE TABLE views_other.rate (id INT PRIMARY KEY, rate DECIMAL(5,2));
CREATE TABLE estate (id INT PRIMARY KEY, price DECIMAL(12,2) NOT NULL, `select` VARCHAR(10));
CREATE FUNCTION tax(p DECIMAL(12,2)) RETURNS DECIMAL(12,2) DETERMINISTIC RETURN p * 0.1;
CREATE VIEW z_base AS SELECT id, price, `select` AS `order` FROM estate WHERE price > 0 WITH CASCADED CHECK OPTION;
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW m_middle AS SELECT id, price, tax(price) AS tax FROM z_base;
CREATE ALGORITHM=TEMPTABLE VIEW a_top AS SELECT m.id, m.tax, r.rate, 'z_base `views`.`a_top`' AS `a label` FROM m_middle m LEFT JOIN views_other.rate r ON r.id = m.id;
CREATE VIEW views_other.back AS SELECT t.id, CONCAT('원', t.tax) AS won FROM views.a_top t;
