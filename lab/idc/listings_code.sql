-- Triggers, views, routines and events of the listing site. After the data, so that loading fires nothing.
USE shop;
DELIMITER //

CREATE TRIGGER enquiries_count AFTER INSERT ON enquiries FOR EACH ROW
  UPDATE listings SET enquiry_count = enquiry_count + 1 WHERE id = NEW.listing_id
//
CREATE TRIGGER orders_insert_audit AFTER INSERT ON orders FOR EACH ROW
BEGIN
  INSERT INTO order_audit (order_id, idempotency_key, action, amount, at)
    VALUES (NEW.id, NEW.idempotency_key, 'insert', NEW.amount, NEW.created_at);
  UPDATE listings SET order_count = order_count + 1 WHERE id = NEW.listing_id;
END
//
CREATE TRIGGER orders_update_audit AFTER UPDATE ON orders FOR EACH ROW
  INSERT INTO order_audit (order_id, idempotency_key, action, amount)
    VALUES (NEW.id, NEW.idempotency_key, 'update', NEW.amount)
//
CREATE TRIGGER listings_price_history AFTER UPDATE ON listings FOR EACH ROW
BEGIN
  IF NEW.price <> OLD.price THEN
    INSERT INTO price_history (listing_id, old_price, new_price) VALUES (NEW.id, OLD.price, NEW.price);
  END IF;
END
//
CREATE FUNCTION price_per_m2(price DECIMAL(15,2), area DECIMAL(8,2)) RETURNS DECIMAL(15,2) DETERMINISTIC
  RETURN IF(area > 0, ROUND(price / area, 2), NULL)
//
CREATE PROCEDURE refresh_region_statistics()
  MODIFIES SQL DATA
BEGIN
  REPLACE INTO region_statistics (region_code, kind, listings, mean_price)
    SELECT region_code, kind, COUNT(*), AVG(price) FROM listings GROUP BY region_code, kind;
END
//
CREATE VIEW open_listings AS
  SELECT l.id, l.title, l.kind, l.price, l.area_m2, r.name AS region, a.name AS agent, l.enquiry_count
  FROM listings l JOIN regions r ON r.code = l.region_code JOIN agents a ON a.id = l.agent_id
  WHERE l.status = 'open'
//
CREATE EVENT nightly_statistics ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 18:40:00' ON COMPLETION PRESERVE ENABLE
  COMMENT 'figures of the start page, once a night'
  DO CALL refresh_region_statistics()
//
CREATE EVENT forget_old_views ON SCHEDULE EVERY 1 HOUR ON COMPLETION PRESERVE DISABLE
  COMMENT 'switched off since the disk was enlarged'
  DO DELETE FROM listing_views WHERE seen_at < NOW() - INTERVAL 5 YEAR LIMIT 1000
//
DELIMITER ;
CALL refresh_region_statistics();
