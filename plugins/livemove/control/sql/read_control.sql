SELECT side, state, epoch, attempt, position, version, has_read_only, has_rds_kill, promoted_at IS NOT NULL AS promoted,
       TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deadline) / 1e6 AS seconds_left,
       TIMESTAMPDIFF(MICROSECOND, armed_at, UTC_TIMESTAMP(6)) / 1e6  AS armed_ago,
       TIMESTAMPDIFF(MICROSECOND, heartbeat, UTC_TIMESTAMP(6)) / 1e6 AS heartbeat_age
  FROM livemove.control
 WHERE id = 1
