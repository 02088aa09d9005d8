"""What the source's configuration must say, each with its reason: the preflight judges by this table, and
`livemove prepare-source` writes the DBA's my.cnf fragment from it.

Restarts: https://mariadb.com/docs/server/server-management/variables-and-modes/server-system-variables
("Dynamic"). What DMS asks for: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html
(self-managed sources) and
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.MariaDB.html (premigration
assessments).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from livemove.model.ports import Severity

ON = {"ON", "1"}
DAY = 86400.0
LONG_ENOUGH = 300
"""Seconds: DMS's own assessment of MySQL and MariaDB sources wants its timeouts at least so long."""
PACKET = 64 * 2**20


@dataclass(frozen=True)
class Setting:
    """One line of my.cnf. `wrong` judges the running value, empty when the server lacks the variable."""

    check: str
    name: str
    value: str
    why: str
    wrong: Callable[[str], bool]
    restart: bool = False
    severity: Severity = Severity.ERROR
    only_replicas: bool = False
    not_in: str = ""
    """The product that does not know the name; the other one does."""
    unless: str = ""
    """A privilege with which livemove's own account does not need it."""

    def line(self) -> str:
        return f"{self.name} = {self.value}"

    def set_global(self) -> str:
        value = self.value if self.value.isdigit() or self.value in ("ON", "OFF") else f"'{self.value}'"
        return f"SET GLOBAL {self.name} = {value}"


def _not(*allowed: str) -> Callable[[str], bool]:
    return lambda value: value.upper() not in allowed


def _below(least: int) -> Callable[[str], bool]:
    return lambda value: value != "" and float(value) < least


BINLOG, DURABILITY, SCHEDULER, LIMITS, CODE = (
    "binlog",
    "durability",
    "event scheduler",
    "limits",
    "stored code",
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        BINLOG, "log_bin", "mysql-bin", "DMS reads every change from the binlog", _not(*ON), restart=True
    ),
    Setting(
        BINLOG,
        "server_id",
        "1",
        "a server without a number sends its binlog to nobody; any number but 0 that no other server has",
        lambda v: v in ("", "0"),
    ),
    Setting(
        BINLOG,
        "binlog_format",
        "ROW",
        "DMS reads rows, not statements; the application has to reconnect afterwards",
        _not("ROW"),
    ),
    Setting(
        BINLOG,
        "binlog_row_image",
        "FULL",
        "DMS and the comparison need whole rows; the application has to reconnect afterwards",
        _not("FULL"),
    ),
    Setting(
        BINLOG,
        "binlog_checksum",
        "NONE",
        "the DMS guide asks for it; older engines cannot read checksums",
        _not("", "NONE"),
        severity=Severity.WARNING,
    ),
    Setting(
        BINLOG,
        "binlog_row_value_options",
        "",
        "partial JSON values cannot be applied elsewhere",
        lambda v: v != "",
    ),
    Setting(
        BINLOG,
        "log_bin_compress",
        "OFF",
        "DMS does not read compressed events",
        lambda v: v.upper() in ON,
        not_in="MySQL",
    ),
    Setting(
        BINLOG,
        "binlog_transaction_compression",
        "OFF",
        "DMS does not read compressed transactions",
        lambda v: v.upper() in ON,
        not_in="MariaDB",
    ),
    Setting(
        BINLOG,
        "log_slave_updates",
        "ON",
        "a replica's binlog lacks what it replicates itself",
        _not(*ON),
        restart=True,
        only_replicas=True,
    ),
    Setting(
        DURABILITY,
        "sync_binlog",
        "1",
        "a power cut must not undo a commit that was acknowledged",
        _not("1"),
    ),
    Setting(
        DURABILITY, "innodb_flush_log_at_trx_commit", "1", "the same, for the rows themselves", _not("1")
    ),
    Setting(
        SCHEDULER,
        "event_scheduler",
        "ON",
        "the dead-man's switch of the fence is an event; look at SHOW EVENTS first, sleeping jobs would"
        " wake up",
        _not("ON"),
    ),
    Setting(
        CODE,
        "log_bin_trust_function_creators",
        "ON",
        "without SUPER nobody else may restore triggers and functions at a rollback (error 1419)",
        _not(*ON),
        unless="SUPER",
    ),
    Setting(
        LIMITS,
        "net_read_timeout",
        str(LONG_ENOUGH),
        "a slow load must not lose its connection",
        _below(LONG_ENOUGH),
        severity=Severity.WARNING,
    ),
    Setting(
        LIMITS,
        "net_write_timeout",
        str(LONG_ENOUGH),
        "the same, towards DMS",
        _below(LONG_ENOUGH),
        severity=Severity.WARNING,
    ),
    Setting(
        LIMITS,
        "wait_timeout",
        "28800",
        "a replicator that waits for changes must not be thrown out",
        _below(LONG_ENOUGH),
        severity=Severity.WARNING,
    ),
    Setting(
        LIMITS,
        "max_statement_time",
        "0",
        "DMS reads a table in one statement",
        lambda v: float(v or 0) > 0,
        severity=Severity.WARNING,
        not_in="MySQL",
    ),
    Setting(
        LIMITS,
        "max_execution_time",
        "0",
        "DMS reads a table in one statement",
        lambda v: float(v or 0) > 0,
        severity=Severity.WARNING,
        not_in="MariaDB",
    ),
    Setting(
        LIMITS,
        "max_allowed_packet",
        str(PACKET),
        "a row travels in one packet, in the binlog too",
        lambda v: False,
    ),
)
"""max_allowed_packet is judged by the longest value that was found, not by a number."""


HARMLESS_MODE = "NO_ENGINE_SUBSTITUTION"
"""For a source without any sql_mode. A parameter group takes no empty value, and without one RDS has the
engine's default, which is strict: rows that the source takes would be refused. This mode touches no row; it
refuses a CREATE TABLE with an engine that the server lacks, which would have become InnoDB.
https://mariadb.com/docs/server/server-management/variables-and-modes/sql_mode"""


def rds_sql_mode(mode: str) -> str:
    """The source's sql_mode as a parameter group takes it."""
    return mode or HARMLESS_MODE


def needs_restart(setting: Setting, running: str) -> bool:
    """A scheduler that was switched off for good in the configuration starts only with the server."""
    return setting.restart or running.upper() == "DISABLED"


def retention_line(seconds: float) -> tuple[str, str]:
    """(line, reason) for how long binlogs are kept; whole days, which every version understands."""
    days = max(1, round(-(-seconds // DAY)))
    return f"expire_logs_days = {days}", "DMS reads binlogs after the full load and after every interruption"
