INSERT INTO ticket (v, w) VALUES (1, NEXTVAL(`up`)), (2, NEXTVAL(down)), (3, NEXTVAL(circle)), (4, NEXTVAL(spent)), (5, NEXTVAL(spent));
