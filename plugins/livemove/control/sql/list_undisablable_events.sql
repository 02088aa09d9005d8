-- enabled application events that this login may not alter: ALTER DEFINER of another account needs SET USER or SUPER
SELECT CONCAT(e.EVENT_SCHEMA, '.', e.EVENT_NAME, ' of ', e.DEFINER) AS what
  FROM information_schema.EVENTS e
  JOIN livemove.application_schema a ON BINARY a.name = BINARY e.EVENT_SCHEMA
 WHERE e.STATUS = 'ENABLED' AND BINARY e.DEFINER <> BINARY CURRENT_USER()
   AND NOT EXISTS (SELECT 1 FROM information_schema.USER_PRIVILEGES g
                    WHERE g.PRIVILEGE_TYPE IN ('SET USER', 'SUPER')
                      AND g.GRANTEE = CONCAT(QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', 1)), '@', QUOTE(SUBSTRING_INDEX(CURRENT_USER(), '@', -1))))
 ORDER BY 1
