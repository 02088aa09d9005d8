INSERT INTO ticket (v, w) VALUES (6, NEXTVAL(circle)), (7, NEXTVAL(circle)), (8, NEXTVAL(circle)), (9, NEXTVAL(down));
SELECT NEXTVAL(`up`);
