INSERT INTO ticket (v, w) VALUES (10, NEXTVAL(circle)), (11, NEXTVAL(down)), (12, NEXTVAL(circle)), (13, NEXTVAL(untouched));
