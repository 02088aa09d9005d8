"""The source writes a binlog that DMS can follow.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html
It cannot see sessions that were opened before binlog_format was changed; those go on in the old format.
"""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "binlog"
REQUIRED = (("log_bin", {"ON", "1"}, "set log_bin and a server_id in the server's configuration, and restart it"),
            ("binlog_format", {"ROW"}, "SET GLOBAL binlog_format = 'ROW', write it into the configuration, and let the application reconnect"),
            ("binlog_row_image", {"FULL"}, "SET GLOBAL binlog_row_image = 'FULL', write it into the configuration, and let the application reconnect"))  # fmt: skip


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [
        error(CHECK, f"{name} is {db.variable(name) or 'not set'}", f"{name} = {min(wanted)}", remedy, subject=name)
        for name, wanted, remedy in REQUIRED
        if db.variable(name).upper() not in wanted
    ]  # fmt: skip
    if db.variable("server_id") in ("", "0"):
        found.append(error(CHECK, "server_id is 0", "any other number", "set server_id in the server's configuration", subject="server_id"))  # fmt: skip
    if db.replica and db.variable("log_slave_updates").upper() not in ("ON", "1"):
        found.append(error(CHECK, "the source is a replica without log_slave_updates", "log_slave_updates = ON", "set log_slave_updates = ON in the configuration and restart; else its binlog lacks what it replicates", subject="log_slave_updates"))  # fmt: skip
    if db.variable("binlog_checksum").upper() not in ("", "NONE"):
        found.append(warning(CHECK, f"binlog_checksum is {db.variable('binlog_checksum')}", "NONE for older DMS engines", "SET GLOBAL binlog_checksum = 'NONE' if DMS cannot read the log", subject="binlog_checksum"))  # fmt: skip
    if db.variable("binlog_row_value_options"):
        found.append(error(CHECK, f"binlog_row_value_options is {db.variable('binlog_row_value_options')}", "empty", "SET GLOBAL binlog_row_value_options = ''", subject="binlog_row_value_options"))  # fmt: skip
    return found or [ok(CHECK, "ROW, FULL", "ROW, FULL")]
