"""Any MariaDB or MySQL dump as the data centre's database.

A file, or a folder in which `schema*.sql` comes first and the rest follows by name (.sql or .sql.gz). A file
that neither creates nor uses a database goes into the one named like the file; in a folder with schema files
it goes on where they left off. What only MySQL knows is taken out or replaced, and said.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lab.mariadb import Server
from lab.processes import LabError

SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
TIMEOUT = 4 * 3600

DATABASE = re.compile(
    rb"^\s*(?:CREATE\s+(?:DATABASE|SCHEMA)\s+(?:/\*!\d+\s*)?(?:IF\s+NOT\s+EXISTS\s*)?(?:\*/\s*)?|USE\s+)(`(?:[^`]|``)+`|[\w$]+)",
    re.IGNORECASE,
)
GTID = re.compile(rb"^\s*SET\s+@@GLOBAL\.GTID_PURGED", re.IGNORECASE)
DEFINER = re.compile(rb"DEFINER\s*=\s*(`[^`]+`|'[^']+'|\w+)@(`[^`]+`|'[^']+'|[\w.%]+)", re.IGNORECASE)
COLLATIONS = {
    rb"utf8mb4_0900_bin": b"utf8mb4_bin",
    rb"utf8mb4_0900_as_c([si])": rb"utf8mb4_uca1400_as_c\1",
    rb"utf8mb4_(?:\w+_)?0900_\w+": b"utf8mb4_uca1400_ai_ci",
}
"""Collations that only MySQL knows -> the nearest of MariaDB."""
SESSION = "SET SESSION sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0"
"""Tables may come in any order, and the load is not in the binlog, because the full load reads the tables."""


@dataclass
class Loaded:
    """What a dump brought: its schemas, and what had to be changed to load it."""

    schemas: list[str]
    notes: list[str] = field(default_factory=list)


@dataclass
class Script:
    """One file: the databases that it creates or uses, in order, its definers, and where it is loaded.

    `into`: the database for a file that names none.
    """

    file: Path
    named: list[str]
    definers: list[tuple[str, str]]
    into: str = ""


def load(server: Server, path: Path) -> Loaded:
    """Load the dump; LabError has the file, the line that the server named, and the server's message."""
    before = set(_schemas(server))
    scripts = _scripts(path)
    notes = _make_definers(server, scripts)
    for script in scripts:
        if script.into:
            server.query(f"CREATE DATABASE IF NOT EXISTS {_quoted(script.into)}")
        notes += _feed(server, script.file, script.into)
    schemas = [s for s in _schemas(server) if s not in before]
    listed = ", ".join(map(_text, schemas)) or "NULL"
    tables = server.query(f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema IN ({listed})")
    if tables[0][0] == 0:
        raise LabError(
            f"{path} made no tables. Wanted: a dump with CREATE TABLE and INSERT statements, as mariadb-dump"
            " writes it"
        )
    return Loaded(schemas, notes)


def _scripts(path: Path) -> list[Script]:
    scripts, last = [], ""
    for file in files_of(path):
        script = _scan(file)
        _refuse_system(script)
        if not script.named:
            script.into = last or _fallback(path, file)
        if file.name.startswith("schema"):
            last = script.named[-1] if script.named else script.into
        scripts.append(script)
    return scripts


def files_of(path: Path) -> list[Path]:
    """The dump's files in the order in which they are loaded."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise LabError(f"{path} is not there. Wanted: DUMP=<file.sql or a folder of them>")
    found = [f for f in path.iterdir() if f.name.endswith((".sql", ".sql.gz")) and f.is_file()]
    if not found:
        raise LabError(f"{path} has no file named *.sql or *.sql.gz")
    return sorted(found, key=lambda f: (not f.name.startswith("schema"), f.name))


def _stem(file: Path) -> str:
    return file.name.removesuffix(".gz").removesuffix(".sql")


def _fallback(path: Path, file: Path) -> str:
    # a folder's schema.sql says nothing by its name; the folder's does
    name = path.absolute().name if path.is_dir() and file.name.startswith("schema") else _stem(file)
    if not re.fullmatch(r"[\w$ .-]{1,64}", name) or name in SYSTEM:
        raise LabError(
            f"{file} names no database, and {name!r} cannot be one. Next: rename the file, or add USE to it"
        )
    return name


@contextlib.contextmanager
def _open(file: Path) -> Iterator[IO[bytes]]:
    try:
        with gzip.open(file) if file.name.endswith(".gz") else file.open("rb") as lines:
            yield lines  # type: ignore[misc]
    except BrokenPipeError:
        raise
    except (OSError, EOFError) as e:
        raise LabError(f"{file} cannot be read: {e}") from e


def _scan(file: Path) -> Script:
    script = Script(file, [], [])
    with _open(file) as lines:
        for line in lines:
            # rows of data are long; no statement that names a database is
            if len(line) < 500 and (hit := DATABASE.match(line)):
                name = hit[1].decode(errors="replace")
                script.named.append(name[1:-1].replace("``", "`") if name.startswith("`") else name)
            if b"DEFINER" in line and not _is_data(line):
                script.definers += [(_bare(hit[1]), _bare(hit[2])) for hit in DEFINER.finditer(line)]
    return script


def _is_data(line: bytes) -> bool:
    return line.lstrip()[:7].upper() in (b"INSERT ", b"REPLACE")


def _refuse_system(script: Script) -> None:
    system = [n for n in script.named if n.lower() in SYSTEM]
    if system:
        raise LabError(
            f"{script.file} contains the server's own database {system[0]!r}: loading it would replace the"
            " lab's accounts. Next: dump the application's schemas only: mariadb-dump --routines --events"
            " --triggers --databases <names>"
        )


def _feed(server: Server, file: Path, into: str) -> list[str]:
    """Pipe the file through the client; notes about what was replaced on the way."""
    argv = [
        shutil.which("mariadb") or "mariadb",
        "--no-defaults",
        f"--host={server.address}",
        f"--port={server.port}",
        "--user=root",
        "--default-character-set=utf8mb4",
        "--max-allowed-packet=1G",
        f"--init-command={SESSION}",
        *([into] if into else []),
    ]
    notes: list[str] = []
    with tempfile.TemporaryFile() as words:
        client = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=words,
            env={**os.environ, "MYSQL_PWD": server.root_password},
        )
        try:
            assert client.stdin
            try:
                for line in _translated(file, notes):
                    client.stdin.write(line)
                client.stdin.close()
            except BrokenPipeError:
                # the client has given up, and says below why
                with contextlib.suppress(BrokenPipeError):
                    client.stdin.close()
            client.wait(TIMEOUT)
        finally:
            client.kill()
            client.wait()
        words.seek(0)
        said = words.read().decode(errors="replace").strip()
    if client.returncode:
        raise LabError(f"The dump does not load: {file}{_line(said)}: {said[:1500]}")
    return notes


def _translated(file: Path, notes: list[str]) -> Iterator[bytes]:
    """The file's lines, with line numbers kept, in MariaDB's dialect."""
    skipping = False
    with _open(file) as lines:
        for line in lines:
            if skipping or GTID.match(line):
                skipping = b";" not in line
                _note(notes, f"{file.name}: SET GTID_PURGED left out (MySQL only)")
                yield b"\n"
                continue
            # data rows are left alone, whatever their text says
            if b"_0900_" in line and not _is_data(line):
                for pattern, ours in COLLATIONS.items():
                    line = re.sub(pattern, ours, line)
                _note(
                    notes,
                    f"{file.name}: collations utf8mb4_0900_* replaced by the nearest that MariaDB has"
                    " (uca1400)",
                )
            yield line


def _note(notes: list[str], text: str) -> None:
    if text not in notes:
        notes.append(text)


def _line(said: str) -> str:
    hit = re.search(r"at line (\d+)", said)
    return f":{hit[1]}" if hit else ""


def _make_definers(server: Server, scripts: list[Script]) -> list[str]:
    """Create the accounts that own views, routines, triggers or events and are not in the dump, locked.

    Without them the first row that fires such a trigger would fail (error 1449).
    """
    known = {(str(u), str(h)) for u, h in server.query("SELECT User, Host FROM mysql.global_priv")}
    schemas = sorted({name for s in scripts for name in (*s.named, s.into) if name})
    notes = []
    for user, host in sorted({d for s in scripts for d in s.definers} - known):
        account = f"{_text(user)}@{_text(host)}"
        server.query(f"CREATE USER {account} ACCOUNT LOCK")
        for schema in schemas:
            server.query(f"GRANT ALL ON {_quoted(schema)}.* TO {account}")
        notes.append(
            f"definer {account} did not come with the dump: made, locked, with rights on its schemas"
        )
    return notes


def _bare(name: bytes) -> str:
    return name.decode(errors="replace").strip("`'")


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _schemas(server: Server) -> list[str]:
    return sorted(str(r[0]) for r in server.query("SHOW DATABASES") if str(r[0]).lower() not in SYSTEM)


def count_rows(server: Server, schemas: list[str]) -> int:
    """Rows of all base tables of these schemas, counted."""
    listed = ", ".join(map(_text, schemas))
    tables = server.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND"
        f" table_schema IN ({listed})"
    )
    counts = (server.query(f"SELECT COUNT(*) FROM {_quoted(s)}.{_quoted(t)}")[0][0] for s, t in tables)
    return sum(int(str(n)) for n in counts)


def _quoted(name: object) -> str:
    return "`" + str(name).replace("`", "``") + "`"
