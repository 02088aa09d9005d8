INSERT INTO mixed (id, a, l) VALUES (4, label(), 'x');
