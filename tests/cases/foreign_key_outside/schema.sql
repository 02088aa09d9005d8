-- A foreign key to a schema that stays behind: the target could never have it
CREATE DATABASE foreign_key_outside_stays;
CREATE TABLE foreign_key_outside_stays.country (code INT PRIMARY KEY);
CREATE TABLE city (id INT PRIMARY KEY, country INT, CONSTRAINT outside FOREIGN KEY (country) REFERENCES foreign_key_outside_stays.country (code));
