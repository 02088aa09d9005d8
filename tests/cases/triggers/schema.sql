-- Triggers that write other tables, which have triggers; an order of their own; a table that is not transactional
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, qty INT NOT NULL, total INT NOT NULL DEFAULT 0, note VARCHAR(200) NOT NULL DEFAULT '');
CREATE TABLE stock (id INT PRIMARY KEY, n INT NOT NULL);
CREATE TABLE history (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(100));
CREATE TABLE counted (what VARCHAR(20) PRIMARY KEY, n INT NOT NULL);
CREATE TABLE archive (id INT PRIMARY KEY, note VARCHAR(200)) ENGINE=MyISAM;
INSERT INTO stock VALUES (1, 1000); INSERT INTO counted VALUES ('history', 0), ('orders', 0);
CREATE TRIGGER c_doubles BEFORE INSERT ON orders FOR EACH ROW SET new.total = new.qty * 2, new.note = CONCAT(new.note, 'c');
CREATE TRIGGER a_before_c BEFORE INSERT ON orders FOR EACH ROW PRECEDES c_doubles SET new.qty = new.qty + 1, new.note = CONCAT(new.note, 'a');
CREATE TRIGGER b_after_c BEFORE INSERT ON orders FOR EACH ROW FOLLOWS c_doubles SET new.note = CONCAT(new.note, 'b');
CREATE TRIGGER takes AFTER INSERT ON orders FOR EACH ROW UPDATE stock SET n = n - new.qty WHERE id = 1;
CREATE TRIGGER tells AFTER INSERT ON orders FOR EACH ROW PRECEDES takes INSERT INTO history (what) VALUES (CONCAT('order ', new.id));
CREATE TRIGGER counts_history AFTER INSERT ON history FOR EACH ROW UPDATE counted SET n = n + 1 WHERE what = 'history';
CREATE TRIGGER keeps BEFORE DELETE ON orders FOR EACH ROW REPLACE INTO archive VALUES (old.id, old.note);
CREATE TRIGGER `한글 트리거` AFTER DELETE ON orders FOR EACH ROW UPDATE counted SET n = n + 1 WHERE what = 'orders';
CREATE TRIGGER changes BEFORE UPDATE ON orders FOR EACH ROW INSERT INTO history (what) VALUES (CONCAT(old.qty, '->', new.qty));
