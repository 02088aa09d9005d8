-- A view over a schema that stays behind
CREATE DATABASE view_outside_stays;
CREATE TABLE view_outside_stays.country (code INT PRIMARY KEY);
CREATE TABLE city (id INT PRIMARY KEY, country INT);
CREATE VIEW joined AS SELECT id FROM city JOIN view_outside_stays.country ON code = country;
