"""Any dump becomes the data centre's database, or a message says where it does not load."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import dump
from lab.mariadb import Server
from lab.processes import LabError
from tests.raising import raises

pytestmark = pytest.mark.servers

LIBRARY = """\
CREATE DATABASE library;
USE library;
CREATE TABLE author (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(90)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE book (id INT PRIMARY KEY, author_id INT, title VARCHAR(90),
  CONSTRAINT written_by FOREIGN KEY (author_id) REFERENCES author (id)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE log (id INT PRIMARY KEY AUTO_INCREMENT, said TEXT) ENGINE=MyISAM;
DELIMITER ;;
CREATE DEFINER=`clerk`@`10.0.0.%` TRIGGER book_in AFTER INSERT ON book FOR EACH ROW
BEGIN INSERT INTO log (said) VALUES (NEW.title); END ;;
DELIMITER ;
CREATE DEFINER=`clerk`@`10.0.0.%` VIEW titles AS SELECT title FROM book;
"""
ROWS = (
    "INSERT INTO author VALUES (1, 'Zoë 🏠');\nINSERT INTO book VALUES (1, 1, 'USE of weapons'), (2, 1,"
    " '한강');\n"
)


@pytest.fixture
def server(source_server: Server) -> Iterator[Server]:
    before = set(dump._schemas(source_server))
    yield source_server
    for schema in set(dump._schemas(source_server)) - before:
        source_server.query(f"DROP DATABASE `{schema}`")
    source_server.query("DROP USER IF EXISTS clerk@'10.0.0.%'")


def test_folder_is_loaded_schema_first_with_its_triggers_views_and_definers(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "schema.sql").write_text(LIBRARY)
    # comes before schema.sql by name, and names no database: goes on where the schema left off
    (tmp_path / "data.sql").write_text(ROWS)
    loaded = dump.load(server, tmp_path)
    assert loaded.schemas == ["library"]
    assert server.query("SELECT name FROM library.author") == [("Zoë 🏠",)]
    assert server.query("SELECT said FROM library.log ORDER BY id") == [("USE of weapons",), ("한강",)]
    assert server.query("SELECT COUNT(*) FROM library.titles") == [(2,)]
    assert any("clerk" in note for note in loaded.notes)
    assert dump.count_rows(server, ["library"]) == 5


def test_file_without_a_database_goes_into_one_of_its_own_name(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "archive.sql.gz"
    file.write_bytes(gzip.compress(b"CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\n"))
    assert dump.load(server, file).schemas == ["archive"]
    assert server.query("SELECT id FROM archive.t") == [(1,)]


def test_folder_without_schema_files_gives_each_file_its_own_database(server: Server, tmp_path: Path) -> None:
    for name in ("crm", "stock"):
        (tmp_path / f"{name}.sql").write_text("CREATE TABLE t (id INT PRIMARY KEY);")
    assert dump.load(server, tmp_path).schemas == ["crm", "stock"]


def test_what_only_mysql_knows_is_replaced_and_said_and_rows_are_left_alone(
    server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "modern.sql"
    file.write_text(
        "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'aaaa-bbbb:1-7,\ncccc-dddd:1-9';\nCREATE TABLE t (id INT"
        " PRIMARY KEY, s VARCHAR(60)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;\nINSERT INTO t"
        " VALUES (1, 'utf8mb4_0900_ai_ci');\nCREATE TABLE u (id INT PRIMARY KEY, b VARCHAR(9) COLLATE"
        " utf8mb4_0900_bin, c VARCHAR(9) COLLATE utf8mb4_0900_as_cs,\n  j VARCHAR(9) CHARACTER SET utf8mb4"
        " COLLATE utf8mb4_ja_0900_as_cs) DEFAULT CHARSET=utf8mb4;\n"
    )
    loaded = dump.load(server, file)
    assert [note.split(": ")[0] for note in loaded.notes] == ["modern.sql", "modern.sql"]
    assert server.query("SELECT s FROM modern.t") == [("utf8mb4_0900_ai_ci",)]
    collations = server.query(
        "SELECT collation_name FROM information_schema.columns WHERE table_schema = 'modern' AND data_type ="
        " 'varchar' ORDER BY table_name, column_name"
    )
    assert [str(c[0]).removeprefix("utf8mb4_") for c in collations] == [
        "uca1400_ai_ci",
        "bin",
        "uca1400_as_cs",
        "uca1400_ai_ci",
    ]


def test_broken_dump_is_refused_with_file_line_and_the_servers_words(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE fine (id INT);\n")
    (tmp_path / "b.sql").write_text(
        "CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\nINSERT INTO nowhere VALUES (1);\n"
    )
    with pytest.raises(LabError) as refused:
        dump.load(server, tmp_path)
    assert f"{tmp_path / 'b.sql'}:3" in str(refused.value)
    assert "nowhere' doesn't exist" in str(refused.value)


def test_large_broken_dump_does_not_hang(server: Server, tmp_path: Path) -> None:
    """The client gives up at line 1 while megabytes are still to come."""
    file = tmp_path / "large.sql"
    file.write_text("NOT SQL AT ALL;\n" + "INSERT INTO t VALUES (1);\n" * 200_000)
    with raises(LabError, "large.sql:1"):
        dump.load(server, file)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("all.sql", "CREATE DATABASE `mysql`;\nUSE `mysql`;\n", "server's own database 'mysql'"),
        ("empty.sql", "-- nothing\n", "made no tables"),
        ("notes.txt", "hello", "no file named"),
    ],
)
def test_dump_that_makes_no_sense_is_refused(
    server: Server, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(LabError, match=said):
        dump.load(server, tmp_path)


def test_tables_may_come_in_any_order(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "orders.sql"
    file.write_text(
        "CREATE TABLE a (id INT PRIMARY KEY, b_id INT, FOREIGN KEY (b_id) REFERENCES b (id));\nINSERT INTO a"
        " VALUES (1, 1);\nCREATE TABLE b (id INT PRIMARY KEY);\nINSERT INTO b VALUES (1);\n"
    )
    assert dump.load(server, file).schemas == ["orders"]


def test_damaged_archive_is_refused(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "cut.sql.gz"
    file.write_bytes(gzip.compress(ROWS.encode() * 50)[:-20])
    with raises(LabError, "cut.sql.gz"):
        dump.load(server, file)


def test_dump_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with raises(LabError, "nope.sql"):
        dump.files_of(tmp_path / "nope.sql")
