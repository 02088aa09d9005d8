-- Tables without a key, changed while they are followed: equal rows, NULLs, LOBs, floats
CREATE TABLE log (at DATETIME, who VARCHAR(20), n FLOAT, body TEXT);
CREATE TABLE twins (a INT, b INT);
