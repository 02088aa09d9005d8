"""The machine's tz database as rows of a server's time zone tables: names like Asia/Seoul, as RDS has them.

Debian's package tzdata writes every transition out ("fat" files), which the server's tool needs; the PyPI
package of that name leaves out what a rule says, and the tool would make zones without summers of it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from lab.processes import LabError

ZONEINFO = Path("/usr/share/zoneinfo")
TWICE = {"posix", "right", "localtime", "posixrules"}
"""The same zones again, with and without leap seconds, and links to the machine's own."""


@cache
def statements() -> str:
    """What fills mysql.time_zone and its companions; LabError when a piece of it is not installed."""
    program = shutil.which("mariadb-tzinfo-to-sql") or shutil.which("mysql_tzinfo_to_sql")
    if not program or not (ZONEINFO / "US" / "Eastern").exists():
        raise LabError(
            "mariadb-tzinfo-to-sql, tzdata or its old names (tzdata-legacy) are not installed. Next: run"
            " `make setup`"
        )
    with tempfile.TemporaryDirectory(prefix="livemove-zones-") as name:
        for entry in ZONEINFO.iterdir():
            if entry.name not in TWICE and (entry.is_dir() or entry.read_bytes()[:4] == b"TZif"):
                (Path(name) / entry.name).symlink_to(entry)
        done = subprocess.run(
            [program, "--skip-write-binlog", name], capture_output=True, text=True, timeout=60
        )
    if done.returncode:
        raise LabError(f"{program} failed: {done.stderr[-400:]}")
    return done.stdout
