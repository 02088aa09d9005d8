-- The dead-man's switch itself. event_scheduler=ON stands in the server's configuration.
CREATE OR REPLACE EVENT livemove.dead_mans_switch
  ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE ENABLE
  COMMENT 'opens the owner again when a fence outlives its lease'
  DO CALL livemove.tick();
