-- A MERGE table shows the rows of others: a replicator would copy them twice
CREATE TABLE part_1 (id INT PRIMARY KEY, v INT) ENGINE=MyISAM;
CREATE TABLE part_2 (id INT PRIMARY KEY, v INT) ENGINE=MyISAM;
CREATE TABLE whole (id INT NOT NULL, v INT, KEY (id)) ENGINE=MERGE UNION=(part_1, part_2) INSERT_METHOD=LAST;
