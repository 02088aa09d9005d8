SELECT id, time AS seconds, COALESCE(state, '') AS state, stage, max_stage AS stages, COALESCE(progress, 0) AS percent
FROM information_schema.processlist
WHERE id IN %(ids)s AND command <> 'Sleep'
