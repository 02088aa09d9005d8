"""Helpers of a follower for LOBs on a real server: what they do, how they go, and what a crash leaves."""

from __future__ import annotations

import pymysql
import pytest

from livemove.model.spec import Side
from livemove.schema.adapters.catalogue import read_catalogue
from livemove.schema.adapters.copy_schema import code_of, read_tables
from livemove.schema.adapters.lob_helpers import (
    help_follower,
    kept_columns,
    put_back,
    stop_helping,
    unhelped,
)
from tests.switchover.conftest import Two

pytestmark = pytest.mark.servers
TABLE = """CREATE TABLE shop.lobs (
  id INT PRIMARY KEY, a LONGTEXT NOT NULL, b MEDIUMBLOB NOT NULL, j JSON NOT NULL, p POINT NOT NULL,
  g POLYGON NOT NULL, n LONGTEXT NULL, x TEXT NOT NULL, c LONGTEXT AS (UPPER(x)) VIRTUAL,
  seen TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  zero DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00' ON UPDATE CURRENT_TIMESTAMP)"""
FIRST = (
    "INSERT INTO shop.lobs (id, a, b, j, p, g, x, seen) VALUES"
    " (1, NULL, NULL, NULL, NULL, NULL, 'x', '2020-01-01')"
)


def test_a_follower_takes_both_statements_and_is_the_owners_again_afterwards(two: Two) -> None:
    db = two.db[Side.TARGET]
    two.root(Side.TARGET, f"SET STATEMENT sql_mode = '' FOR {TABLE}")
    two.root(Side.TARGET, "CREATE TABLE shop.other (id INT PRIMARY KEY, t TIMESTAMP NULL ON UPDATE NOW())")
    before = two.root(Side.TARGET, "SHOW CREATE TABLE shop.lobs")
    catalogue, tables = read_catalogue(db, ["shop"], ["shop_app"]), read_tables(db, ["shop"])
    with pytest.raises(pymysql.err.MySQLError, match="cannot be null"):
        db.run(FIRST)
    assert len(unhelped(db, ["shop"])) == 4

    for again in (False, True):
        assert bool(help_follower(db, ["shop"])) is not again
    assert unhelped(db, ["shop"]) == []
    assert len(kept_columns(db)) == 2
    db.run(FIRST)
    found = db.one("SELECT a, b, j, ST_AsText(p) AS p, ST_AsText(g) AS g FROM shop.lobs")
    assert (found["a"], found["b"], found["j"], found["p"]) == ("", b"", "null", "POINT(0 0)")
    db.run("UPDATE shop.lobs SET a = 'long', j = NULL, x = 'y' WHERE id = 1")
    row = db.one("SELECT a, j, x, seen FROM shop.lobs")
    assert (row["a"], row["j"], row["x"], row["seen"].year) == ("long", "null", "y", 2020)

    # whoever reads definitions sees the owner's
    assert code_of(db, ["shop"]).triggers == []
    assert read_catalogue(db, ["shop"], ["shop_app"]) == catalogue
    assert read_tables(db, ["shop"]) == tables
    assert len(put_back(db)) == 2

    for again in (False, True):
        assert bool(stop_helping(db, ["shop"])) is not again
    assert two.root(Side.TARGET, "SHOW CREATE TABLE shop.lobs") == before
    assert kept_columns(db) == []
    assert len(unhelped(db, ["shop"])) == 4


def test_a_crash_between_any_two_statements_is_gone_on_from(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each statement of both acts is once the last one that is carried out."""
    db = two.db[Side.TARGET]
    two.root(Side.TARGET, f"SET STATEMENT sql_mode = '' FOR {TABLE}")
    before = two.root(Side.TARGET, "SHOW CREATE TABLE shop.lobs")
    for act, other in ((help_follower, stop_helping), (stop_helping, help_follower)):
        for left in range(1, 100):
            if _dies_after(monkeypatch, db, left, lambda act=act: act(db, ["shop"])):  # type: ignore[misc]
                act(db, ["shop"])
            elif left > 1:
                break
            other(db, ["shop"])
        act(db, ["shop"])
    assert two.root(Side.TARGET, "SHOW CREATE TABLE shop.lobs") == before
    assert kept_columns(db) == []


class Died(Exception):
    pass


def _dies_after(patch: pytest.MonkeyPatch, db: object, left: int, act: object) -> bool:
    """Carry out `left` statements that change something, then none; True when that interrupted the act."""
    done, run = [0], type(db).run

    def counted(self: object, text: str, args: object = None) -> int:
        if not text.startswith("SET SESSION"):
            done[0] += 1
            if done[0] > left:
                raise Died
        return int(run(self, text, args))  # type: ignore[arg-type]

    with patch.context() as p:
        p.setattr(type(db), "run", counted)
        try:
            act()  # type: ignore[operator]
        except Died:
            return True
    return False
