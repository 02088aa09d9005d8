-- A MyISAM table with a FULLTEXT index, kept up by triggers of another table (as Sakila's film_text)
CREATE TABLE listing (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  title VARCHAR(120) NOT NULL,
  body TEXT,
  PRIMARY KEY (id),
  KEY by_title (title),
  FULLTEXT KEY words (title, body),
  FULLTEXT KEY only_body (body)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE listing_text (
  listing_id INT UNSIGNED NOT NULL,
  title VARCHAR(120) NOT NULL,
  body TEXT,
  PRIMARY KEY (listing_id),
  FULLTEXT KEY idx_title_body (title, body)
) ENGINE=MyISAM DEFAULT CHARSET=utf8mb3;
CREATE TABLE plain_aria (id INT PRIMARY KEY, note VARCHAR(20), KEY (note)) ENGINE=Aria;
DELIMITER //
CREATE TRIGGER ins_listing AFTER INSERT ON listing FOR EACH ROW
BEGIN
  INSERT INTO listing_text (listing_id, title, body) VALUES (new.id, new.title, new.body);
END//
CREATE TRIGGER del_listing AFTER DELETE ON listing FOR EACH ROW
  DELETE FROM listing_text WHERE listing_id = old.id//
DELIMITER ;
