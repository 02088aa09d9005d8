-- Values far above the 32 KB at which limited LOB mode cuts
CREATE TABLE picture (id INT PRIMARY KEY, body LONGBLOB, note LONGTEXT, small TEXT NOT NULL, doc JSON);
