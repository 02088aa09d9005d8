"""Named keys of a settings file change and nothing else does: one fake of each layout, in milliseconds."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from livemove.servers import settings_merge
from livemove.servers.settings_merge import MergeError, fill, merge
from tests.raising import raises

LAYOUTS = Path(__file__).parent / "layouts"
HARD = "p'w #1; $x {é} <tag> %"
"""A password with what formats give a meaning to."""


def layout(name: str) -> str:
    return (LAYOUTS / name).read_text(encoding="utf-8")


def changed(before: str, after: str) -> list[str]:
    """The lines that went and came."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


CASES = [
    (
        "laravel.env",
        "env",
        {"DB_HOST": "10.0.0.2", "DB_PASSWORD": HARD, "DB_SSL_CA": "/etc/ca.pem"},
        [
            "-DB_HOST=127.0.0.1",
            "+DB_HOST=10.0.0.2",
            '-DB_PASSWORD="old $ecret"',
            "+DB_PASSWORD='pw #1; $x {é} <tag> %'",
            "+DB_SSL_CA=/etc/ca.pem",
        ],
    ),
    (
        "wp-config.php",
        "php",
        {"DB_HOST": "10.0.0.2:3306", "DB_PASSWORD": HARD},
        [
            "-define( 'DB_PASSWORD', 'it\\'s old; really )' );",
            "+define( 'DB_PASSWORD', 'p\\'w #1; $x {é} <tag> %' );",
            "-define( 'DB_HOST', getenv('WP_DB') ? getenv('WP_DB') : 'localhost' );",
            "+define( 'DB_HOST', '10.0.0.2:3306' );",
        ],
    ),
    (
        "database.yml",
        "yaml",
        {"production.host": "10.0.0.2", "production.port": 3306, "production.password": HARD}
        | {"production.username": "shop"},
        [
            "-  username: old # of the last admin",
            '-  password: "old: #1"',
            "+  username: 'shop' # of the last admin",
            "+  password: 'p''w #1; $x {é} <tag> %'",
            "+  host: '10.0.0.2'",
            "+  port: 3306",
        ],
    ),
    (
        "application.properties",
        "properties",
        {"spring.datasource.url": "jdbc:mariadb://10.0.0.2:3306/shop", "spring.datasource.password": HARD},
        [
            "-spring.datasource.url = jdbc:mariadb://localhost:3306/shop?\\",
            "-    useUnicode=true",
            "+spring.datasource.url = jdbc:mariadb://10.0.0.2:3306/shop",
            "-spring.datasource.password=old\\\\secret",
            "+spring.datasource.password=p'w #1; $x {\\u00e9} <tag> %",
        ],
    ),
    (
        "django.env",
        "env",
        {"DATABASE_URL": "mysql://shop:{password_url}@10.0.0.2:3306/shop"},
        [
            "-DATABASE_URL=mysql://old:old@localhost:3306/shop",
            "+DATABASE_URL=mysql://shop:p%27w%20%231%3B%20%24x%20%7B%C3%A9%7D%20%3Ctag%3E%20%25@10.0.0.2:3306/shop",
        ],
    ),
    (
        "database.php",
        "php",
        {"mysql.host": "10.0.0.2", "mysql.port": 3307},
        [
            "-            'host' => env('DB_HOST', '127.0.0.1'),",
            "-            'port' => 3306,",
            "+            'host' => '10.0.0.2',",
            "+            'port' => 3307,",
        ],
    ),
]


@pytest.mark.parametrize(("name", "kind", "values", "lines"), CASES, ids=[c[0] for c in CASES])
def test_only_the_named_keys_change(
    name: str, kind: str, values: dict[str, str | int], lines: list[str]
) -> None:
    before = layout(name)
    # an env file has one quoting that all readers share: none for a quote beside a $
    values = {k: v.replace("'", "") if kind == "env" and v is HARD else v for k, v in values.items()}  # type: ignore[union-attr]
    values = {k: fill(v, HARD) for k, v in values.items()}
    after = merge(kind, before, values)
    assert changed(before, after) == lines
    assert merge(kind, after, values) == after


def test_what_was_written_is_what_readers_read() -> None:
    values: dict[str, str | int] = {"production.host": "10.0.0.2", "production.password": HARD}
    text = re.sub(r"<%.*?%>", "5", merge("yaml", layout("database.yml"), values))
    assert yaml.safe_load(text)["production"] == {
        "adapter": "mysql2",
        "encoding": "utf8mb4",
        "pool": 5,
        "host": "10.0.0.2",
        "database": "shop",
        "username": "old",
        "password": HARD,
    }
    assert yaml.safe_load(text)["development"]["host"] == "localhost"


@pytest.mark.parametrize(
    "value", ["plain", "two words", "#1", 'say "it"', "it's", "$HOME `id`", "a=b", "", "\\d"]
)
def test_a_shell_reads_from_an_env_file_what_was_meant(value: str, tmp_path: Path) -> None:
    (tmp_path / "x.env").write_text(merge("env", "A=1\n", {"A": value, "B": "end"}))
    done = subprocess.run(
        ["sh", "-c", f'. {tmp_path}/x.env; printf \'%s|%s\' "$A" "$B"'], capture_output=True, text=True
    )
    assert done.stdout == f"{value}|end"


def test_every_define_and_every_variable_of_that_name_changes() -> None:
    text = (
        "<?php if (1) { define('DB_HOST', 'a'); } else { define(\"DB_HOST\", $b ?? 'c'); } $cfg->host = 'd';"
    )
    assert merge("php", text, {"DB_HOST": "n", "$cfg->host": "v"}) == (
        "<?php if (1) { define('DB_HOST', 'n'); } else { define(\"DB_HOST\", 'n'); } $cfg->host = 'v';"
    )


def test_line_ends_and_bytes_of_others_stay() -> None:
    before = "A=1\r\nB=\udcff\r\nDB_HOST=x\r\n"
    assert merge("env", before, {"DB_HOST": "y"}) == before.replace("=x", "=y")
    assert merge("yaml", "a:\r\n  b: x\r\n", {"a.b": "y"}) == "a:\r\n  b: 'y'\r\n"


@pytest.mark.parametrize(
    ("kind", "text", "values", "words"),
    [
        (
            "php",
            "<?php return ['a' => ['host' => 1], 'b' => ['host' => 2]];",
            {"host": "x"},
            "more than once",
        ),
        ("php", "<?php\n\ninclude __DIR__ . '/x.php'; define('A', 1);", {"A": "x"}, "line 3: __DIR__"),
        ("php", "<?php define('B', 1);", {"A": "x"}, "no define('A'"),
        ("php", "A=1", {"A": "x"}, "no <?php"),
        ("yaml", "a: {b: 1}\n", {"a.b": "x"}, "written in one line"),
        ("yaml", "a: *default\n", {"a.b": "x"}, "written in one line"),
        ("yaml", "a:\n  b: |\n    b: 1\n", {"a.b": "x"}, "no simple value"),
        ("yaml", "a:\n  b:\n    c: 1\n", {"a.b": "x"}, "no simple value"),
        ("yaml", "a:\n  b: 1\n", {"production.host": "x"}, "no production"),
        ("yaml", "a:\n  b: 1\na:\n  b: 2\n", {"a.b": "x"}, "twice, in lines 2, 4"),
        ("yaml", "a:\n  b: 1\n", {"a.b": "<%= 1 %>"}, "Rails reads"),
        ("properties", "a=1\n", {"a": "${x}"}, "placeholder"),
        ("env", "A='x\n", {"B": "x"}, "line 1: its quote is never closed"),
        ("env", "A=x\n", {"A": 'it\'s "$5"'}, "readers of env files differ"),
        ("env", "A=x\n", {"A": "a\nB=1"}, "several lines"),
    ],
)
def test_what_is_not_certain_is_refused(
    kind: str, text: str, values: dict[str, str | int], words: str
) -> None:
    with raises(MergeError, words):
        merge(kind, text, values)


def test_on_a_server_it_needs_python_and_nothing_else(tmp_path: Path) -> None:
    """As over SSM: the request has no password, the environment has it."""
    script = tmp_path / "settings_merge.py"
    script.write_bytes(Path(settings_merge.__file__).read_bytes())
    (tmp_path / "request").write_text(json.dumps({"format": "env", "values": {"DB_PASSWORD": "{password}"}}))
    (tmp_path / "settings").write_bytes(b"DB_PASSWORD=\xff\r\nA=1\r\n")

    def run(settings: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-I", "-S", script, "request", settings],
            cwd=tmp_path,
            env={**os.environ, "SECRET": '{"password": "n e w"}'},
            capture_output=True,
        )

    assert run("settings").stdout == b"DB_PASSWORD='n e w'\r\nA=1\r\n"
    missing = run("none")
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert missing.stderr.startswith(b"none cannot be changed: ")
    assert b"Traceback" not in missing.stderr
