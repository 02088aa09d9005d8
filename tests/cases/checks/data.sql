INSERT INTO t (price, low, high, doc) VALUES (1, 1, 2, '{}'), (0, NULL, 1, NULL), (2, 2, 2, '[1]');
INSERT INTO broken VALUES (1, -5), (2, 5);
SET check_constraint_checks = 0;
ALTER TABLE broken ADD CONSTRAINT positive CHECK (v > 0);
