-- Tables without a key, or with one that cannot be walked
CREATE TABLE none_at_all (a INT, b VARCHAR(10));
CREATE TABLE nullable_unique (a INT NULL, b VARCHAR(10), UNIQUE KEY (a));
CREATE TABLE by_enum (e ENUM('z','a') NOT NULL, n INT NOT NULL, v INT, PRIMARY KEY (e, n));
CREATE TABLE by_float (f FLOAT PRIMARY KEY, v INT);
CREATE TABLE by_bit (b BIT(8) PRIMARY KEY, v INT);
CREATE TABLE by_prefix (t TEXT NOT NULL, v INT, PRIMARY KEY (t(20)));
CREATE TABLE unique_only (a BIGINT NOT NULL, b CHAR(3) NOT NULL, v INT, UNIQUE KEY pair (b, a));
CREATE TABLE empty_one (id INT PRIMARY KEY, v INT, KEY (v));
