-- Triggers and events live where the application writes: on the source only.
DELIMITER //
CREATE TRIGGER shop.after_order AFTER INSERT ON shop.orders FOR EACH ROW
BEGIN
  INSERT INTO shop.order_audit (k) VALUES (NEW.k);
  UPDATE shop.customers SET orders = orders + 1 WHERE id = NEW.customer;
END//

CREATE EVENT shop.sweep ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE ENABLE
  DO INSERT INTO shop.ticks (token) VALUES (UUID())//
DELIMITER ;
