-- Composite keys of strings: cases, accents, blanks at the end, binary, prefixes, another order than the columns
CREATE TABLE ci (region VARCHAR(20), code CHAR(10), name VARCHAR(50), v INT, PRIMARY KEY (name, region, code), UNIQUE KEY turned (code, region, name)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE TABLE bin (a VARBINARY(10), b VARCHAR(20) COLLATE utf8mb4_bin, v INT, PRIMARY KEY (b, a));
CREATE TABLE part (a VARCHAR(300) NOT NULL, b BLOB NOT NULL, v INT, PRIMARY KEY (a(10), b(5)));
CREATE TABLE nopad (a VARCHAR(20) COLLATE utf8mb4_nopad_bin PRIMARY KEY, v INT);
CREATE TABLE child (region VARCHAR(20), code CHAR(10), name VARCHAR(50), n INT, KEY (n), CONSTRAINT to_ci FOREIGN KEY (name, region, code) REFERENCES ci (name, region, code) ON UPDATE CASCADE) COLLATE utf8mb4_general_ci;
