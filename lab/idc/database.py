"""The data centre's MariaDB: Debian's server with binlogs as replication needs them, and its accounts."""

from __future__ import annotations

from collections.abc import Sequence

from lab.addresses import here, state_dir
from lab.ca import certificate
from lab.door import rules_file
from lab.mariadb import Server
from lab.processes import Registry
from lab.secrets_file import read

ADMIN = "livemove_admin"
NAME = "idc-mariadb"
OPTIONS = {
    "sql_mode": "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    # what `livemove prepare-source` asks a DBA for, beyond lab.mariadb.BASE
    "net_read_timeout": "300",
    "net_write_timeout": "300",
}


def server(registry: Registry) -> Server:
    """The IDC database; the same object for whoever asks."""
    a = here()
    return Server(
        registry,
        NAME,
        a.idc,
        a.mariadb_port,
        state_dir() / "mariadb" / "idc",
        server_id=110,
        root_password=read()["root"],
        options=OPTIONS,
        certificate=certificate().paths(),
        rules=rules_file(state_dir(), NAME),
        # a server in Seoul that nobody has told a time zone: SYSTEM, which it calls KST
        zone="Asia/Seoul",
    )


def start(registry: Registry) -> Server:
    """Install and start it with livemove's own account; no schema yet."""
    idc = server(registry)
    idc.install(
        f"CREATE USER {ADMIN}@'%' IDENTIFIED BY '{read()[ADMIN]}';\n"
        f"GRANT ALL PRIVILEGES ON *.* TO {ADMIN}@'%' WITH GRANT OPTION;\n"
    )
    idc.start()
    return idc


def create_application_account(idc: Server, account: str, schemas: Sequence[str]) -> None:
    """The account that the web servers of both sites use: rights on rows and routines, nothing more."""
    grants = "".join(
        f"GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON `{schema.replace('`', '``')}`.* TO"
        f" {account}@'127.%';\n"
        for schema in schemas
    )
    idc.load(f"CREATE OR REPLACE USER {account}@'127.%' IDENTIFIED BY '{read()['app']}';\n{grants}")
