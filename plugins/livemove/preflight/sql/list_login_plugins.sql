SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) AS account, COALESCE(plugin, '') AS plugin
FROM mysql.user WHERE user IN %(accounts)s ORDER BY user, host
