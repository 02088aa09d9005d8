"""What the data centre's DBA is asked for, as three texts: a my.cnf fragment, a file of SQL, a firewall list.

From the spec alone it is everything; where the source could be read, only what is missing there. The tables
are those that the preflight judges by and accounts are made from: model/source_settings.py and
control/privileges.py.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from livemove.control import privileges as rights
from livemove.control.privileges import OPENS_THE_FENCE, PAST_THE_FENCE
from livemove.model.formatting import hours
from livemove.model.ports import Severity
from livemove.model.source_settings import DAY, SETTINGS, Setting, needs_restart, retention_line
from livemove.model.spec import MigrationSpec, Side, Tls
from livemove.preflight.checks import accounts
from livemove.preflight.checks.retention import TIMES, seconds_kept, wanted_seconds
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.setting_check import applies

NEWEST = (99, 0)
SUBNETS = (0, 1, 10, 11)
"""Third numbers of the subnets that Terraform makes in the VPC (module network): two public, two private."""


@dataclass(frozen=True)
class Part:
    """One text for the DBA."""

    file: str
    text: str


def parts(
    spec: MigrationSpec, db: DatabaseFacts | None, *, account: str = "", firewall_told: str = ""
) -> list[Part]:
    """`account`: livemove's own on the source ('user'@'host'); `firewall_told`: Terraform's output."""
    return [
        Part("livemove.cnf", my_cnf(spec, db)),
        Part("livemove.sql", accounts_sql(spec, db, account)),
        Part("firewall.txt", firewall(spec, firewall_told)),
    ]


# my.cnf
# ------------------------------------------------------------------------------------------------------------
def my_cnf(spec: MigrationSpec, db: DatabaseFacts | None) -> str:
    wanted = [s for s in SETTINGS if s.value and (db is None or _missing(s, db))]
    lines = [line for s in wanted for line in _setting(s, db)] + _retention(spec, db)
    certificate = _certificate(spec, db)
    lines += certificate
    if not lines:
        return "# Nothing is missing: the running server has every value, and its configuration holds it.\n"
    restart = sum(needs_restart(s, db.variable(s.name) if db else "") for s in wanted)
    restart += sum("=" in line for line in certificate)
    head = [
        (
            f"# For the source of {spec.service} ({spec.source.address}): a file in the server's"
            " configuration folder, for example /etc/mysql/mariadb.conf.d/."
        ),
        (
            f"# {restart} of these lines need a restart of the server. The others may be set at once, by the"
            " statement beside them."
        ),
        "[mysqld]",
    ]
    return "\n".join([*head, *lines]) + "\n"


def _missing(s: Setting, db: DatabaseFacts) -> bool:
    """Wrong now, or right only until the next restart."""
    return applies(s, db) and (s.wrong(db.variable(s.name)) or db.origins.get(s.name) == "SQL")


def _setting(s: Setting, db: DatabaseFacts | None) -> list[str]:
    now = db.variable(s.name) if db else ""
    how = "RESTART" if needs_restart(s, now) else f"at once: {s.set_global()};"
    if db and not s.wrong(now):
        how = "set while the server ran, a restart would forget it"
    text = f" (now {now})" if now else ""
    # loose: the other product does not know the name, and would not start
    line = f"loose_{s.line()}" if s.not_in and db is None else s.line()
    if s.only_replicas and db is None:
        line = f"# only on a replica: {line}"
    return [f"# {s.why}{text}", f"# {how}", line]


def _retention(spec: MigrationSpec, db: DatabaseFacts | None) -> list[str]:
    wanted = max(DAY, TIMES * spec.replication.full_load_timeout) if db is None else wanted_seconds(db, spec)
    kept = None if db is None else seconds_kept(db)
    if db is not None and (kept is None or kept >= wanted):
        return []
    line, why = retention_line(wanted)
    text = f" (now {hours(kept)})" if kept else ""
    return [f"# {why}{text}; see that the disk holds them", f"# at once: SET GLOBAL {line};", line]


def _certificate(spec: MigrationSpec, db: DatabaseFacts | None) -> list[str]:
    if spec.source.tls is Tls.NONE or db is not None:  # what the server has was read over TLS
        return []
    return [
        "# connections are encrypted, and this certificate verified; its CA belongs into the extra of"
        f" {spec.source.connection}",
        "# RESTART",
        "ssl_cert = /etc/mysql/server.pem",
        "ssl_key = /etc/mysql/server.key",
    ]


# Accounts
# -----------------------------------------------------------------------------------------------------------
def accounts_sql(spec: MigrationSpec, db: DatabaseFacts | None, account: str) -> str:
    name = account or "'livemove'@'%'"
    release = db.release if db else NEWEST
    wanted = rights.source_rights(release)
    lines = [
        "-- As an administrator of the source. Replace what is in <angle brackets>; nothing here is"
        " logged by livemove."
    ]
    lacking: Sequence[rights.Right] = wanted if db is None else rights.missing(wanted, db.grants)
    _, may_grant = rights.global_privileges(db.grants) if db else (set(), False)
    if db is None:
        lines += [
            (
                "-- livemove's own account, with login and password of the Airflow connection"
                f" {spec.source.connection}."
            ),
            "-- Better than '%': the addresses of the workers.",
            f"CREATE USER {name} IDENTIFIED BY '<password of {spec.source.connection}>';",
        ]
    if lacking:
        lines += [f"-- {r.name}: to {r.why}" for r in lacking]
    if lacking or not may_grant:
        lines += [
            "-- GRANT OPTION: to make the accounts below",
            f"GRANT {rights.names(lacking) or 'USAGE'} ON *.* TO {name} WITH GRANT OPTION;",
        ]
    if db and not lacking and may_grant:
        lines.append(f"-- {name} has every right that it needs.")
    if db is None:
        lines.append(
            "-- On MariaDB before 10.5: SUPER instead of READ_ONLY ADMIN, CONNECTION ADMIN and SET USER."
        )
    lines += ["", *_own(), "", *_application(spec, db)]
    return "\n".join(lines) + "\n"


def _own() -> list[str]:
    return [
        "-- These livemove makes itself, with passwords of its own in Secrets Manager; nothing to do:",
        f"--   livemove_read     {rights.names(rights.READER)} ON *.*",
        (
            "--   livemove_watch    EXECUTE on two procedures of livemove: the web servers wait in them for"
            " their word"
        ),
        (
            f"--   livemove_apply_eN {rights.names(rights.APPLIER)} on the moved schemas; READ_ONLY ADMIN ON"
            " *.*; locked except while it follows"
        ),
    ]


def _application(spec: MigrationSpec, db: DatabaseFacts | None) -> list[str]:
    forbidden = ", ".join(sorted(PAST_THE_FENCE | OPENS_THE_FENCE))
    lines = [
        f"-- The application's accounts ({', '.join(spec.source.accounts)}) must hold none of {forbidden}: a"
        " fence would not stop them."
    ]
    if db is None:
        return [*lines, *(f"-- SHOW GRANTS FOR '{a}'@'<host>';" for a in spec.source.accounts)]
    wrong = [f for f in accounts.check(db, spec) if f.severity is Severity.ERROR]
    revoked = [
        f"{f.remedy};" if f.remedy.startswith("REVOKE") else f"-- {f.measured}: {f.remedy}" for f in wrong
    ]
    return [*lines, *(revoked or ["-- They do not."])]


# Firewall
# -----------------------------------------------------------------------------------------------------------
def firewall(spec: MigrationSpec, text: str) -> str:
    """Terraform's own list where provision has run; before, what can be said from the spec."""
    rows = [line for s in spec.at(Side.SOURCE) if (line := _ssh(s.reach, s.address, s.name))]
    rows += [
        f"Inbound to the source {spec.source.address}:{spec.source.port}/tcp from the Airflow workers "
        " (checks, fence, comparison)"
    ]
    if text:
        return (
            "\n".join(["# As Terraform made it (output idc_firewall), and for livemove itself", text, *rows])
            + "\n"
        )
    rows += [
        f"Inbound to the source {spec.source.address}:{spec.source.port}/tcp from {who}  ({why})"
        for who, why in _clouds(spec)
    ]
    outward = "over the internet" if spec.infra.connectivity == "public_allow_list" else "through the VPN"
    rows += [
        (
            f"Outbound from the source's web servers to {_private(spec)}:3306/tcp, {outward}  (after the"
            " switchover they write to RDS)"
        ),
        "Outbound from the source's web servers: nothing else of livemove's",
    ]
    head = [
        f"# From the spec of {spec.service}; after provision, ask again: Terraform's output idc_firewall"
        " knows the addresses"
    ]
    if not spec.infra.idc_cidrs:
        rows.append(
            "infra.idc_cidrs of the spec is empty: AWS would let no server of the data centre reach the new"
            " database"
        )
    return "\n".join([*head, *rows]) + "\n"


def _ssh(reach: str, address: str | None, name: str) -> str:
    if reach != "ssh":
        return ""
    return (
        f"Inbound to {address or name}:22/tcp from the Airflow workers  (hold, repoint and release the web"
        f" server {name})"
    )


def _clouds(spec: MigrationSpec) -> list[tuple[str, str]]:
    """(who, why) of AWS's side towards the source."""
    if spec.infra.connectivity == "public_allow_list":
        return [
            (
                "the public address of each new web server",
                "both sites use this database until the switchover",
            ),
            ("the public address of the DMS instance", "full load, CDC and reverse replication"),
        ]
    both = "new web servers until the switchover; full load, CDC and reverse replication by DMS"
    return [(str(net), both) for net in _subnets(spec)]


def _private(spec: MigrationSpec) -> str:
    if spec.infra.connectivity == "public_allow_list":
        return "the new database's address"
    return " and ".join(str(net) for net in _subnets(spec)[2:])


def _subnets(spec: MigrationSpec) -> list[ipaddress.IPv4Network]:
    nets = list(ipaddress.IPv4Network(spec.infra.vpc_cidr).subnets(new_prefix=24))
    return [nets[n] for n in SUBNETS]
