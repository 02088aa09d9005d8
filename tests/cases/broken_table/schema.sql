-- A table that the source's own server cannot open
CREATE TABLE part (id INT NOT NULL PRIMARY KEY) ENGINE=MyISAM;
CREATE TABLE whole (id INT NOT NULL, KEY (id)) ENGINE=MERGE UNION=(part);
ALTER TABLE part ENGINE=InnoDB;
