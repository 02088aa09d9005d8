"""CREATE TABLE texts taken apart and put together in phases; no server."""

from __future__ import annotations

import pytest

from livemove.model.errors import SchemaError
from livemove.schema import objects as core
from livemove.schema.objects import Kind, alter_statements, parse_table
from tests.raising import raises

NASTY = """CREATE TABLE `a``b` (
  `code` char(5) NOT NULL DEFAULT 'it''s, (not) a \\'key\\'',
  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'KEY `x` (`y`),',
  `g` decimal(10,2) GENERATED ALWAYS AS (round(`id` * 1.1,2)) STORED,
  PRIMARY KEY (`code`),
  UNIQUE KEY `u,1` (`g`),
  KEY `other` (`code`(3),`g`) COMMENT '),',
  KEY `by_id` (`id`),
  KEY `by_id_g` (`id`,`g`),
  FULLTEXT KEY `words` (`code`),
  FULLTEXT KEY `more` (`code`),
  CONSTRAINT `fk` FOREIGN KEY (`g`) REFERENCES `p` (`x`) ON DELETE CASCADE,
  CONSTRAINT `small` CHECK (`id` < 10 and `code` <> ',)')
) ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=5, kept'
 PARTITION BY HASH (`id`)
PARTITIONS 2"""


def test_a_table_is_taken_apart_at_its_outer_commas_only() -> None:
    table = parse_table("s", NASTY)
    assert table.name == "a`b"
    assert [e.kind for e in table.elements] == [Kind.COLUMN] * 3 + [Kind.PRIMARY, Kind.UNIQUE] + [
        Kind.INDEX
    ] * 3 + [Kind.FULLTEXT] * 2 + [Kind.FOREIGN, Kind.OTHER]
    assert table.options.startswith("ENGINE=InnoDB AUTO_INCREMENT=77")
    assert next(e for e in table.elements if e.name == "other").columns == ("code", "g")


def test_first_comes_what_rows_need_and_the_key_of_the_counter() -> None:
    create = parse_table("s", NASTY).create()
    assert create.startswith("CREATE TABLE IF NOT EXISTS `s`.`a``b` (")
    for present in ("PRIMARY KEY", "UNIQUE KEY `u,1`", "KEY `by_id` (`id`)", "CHECK", "PARTITION BY HASH"):
        assert present in create
    for later in ("KEY `other`", "`by_id_g`", "FULLTEXT", "FOREIGN KEY"):
        assert later not in create


def test_a_counter_that_leads_the_primary_key_holds_no_index_back() -> None:
    table = parse_table(
        "s",
        "CREATE TABLE `t` (\n  `id` int AUTO_INCREMENT,\n  PRIMARY KEY (`id`),\n  KEY `k` (`id`)\n)"
        " ENGINE=InnoDB",
    )
    assert "KEY `k`" not in table.create()


def test_later_come_indexes_in_one_alter_fulltext_alone_and_foreign_keys_apart() -> None:
    source = parse_table("s", NASTY)
    bare = parse_table("s", source.create().replace("IF NOT EXISTS `s`.", ""))
    indexes, foreign = alter_statements(source, bare)
    assert indexes == [
        "ALTER TABLE `s`.`a``b` ADD KEY `other` (`code`(3),`g`) COMMENT '),', ADD KEY `by_id_g` (`id`,`g`)",
        "ALTER TABLE `s`.`a``b` ADD FULLTEXT KEY `words` (`code`)",
        "ALTER TABLE `s`.`a``b` ADD FULLTEXT KEY `more` (`code`)",
    ]
    assert foreign == [
        "ALTER TABLE `s`.`a``b` ADD CONSTRAINT `fk` FOREIGN KEY (`g`) REFERENCES `p` (`x`) ON DELETE CASCADE"
    ]
    assert alter_statements(source, source) == ([], [])


def test_an_index_of_the_same_name_over_other_columns_is_refused() -> None:
    source = parse_table("s", "CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  KEY `k` (`a`)\n) ENGINE=InnoDB")
    other = parse_table("s", "CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  KEY `k` (`b`)\n) ENGINE=InnoDB")
    with raises(SchemaError, "index k"):
        alter_statements(source, other)


def test_options_lose_what_belongs_to_one_server() -> None:
    assert (
        core.portable("ENGINE=MyISAM DATA DIRECTORY='/disk/x' INDEX DIRECTORY='/y' COMMENT='z'")
        == "ENGINE=MyISAM COMMENT='z'"
    )
    assert (
        core.comparable("ENGINE=InnoDB AUTO_INCREMENT=9 COMMENT='AUTO_INCREMENT=9'")
        == "ENGINE=InnoDB COMMENT='AUTO_INCREMENT=9'"
    )


def test_page_compression_stays_where_the_pages_are() -> None:
    said = (
        "ENGINE=InnoDB COMMENT='`PAGE_COMPRESSED`=''1'' `encrypted`=yes' `PAGE_COMPRESSED`='1'"
        " `page_compression_level`=9 `ENCRYPTED`='no'"
    )
    assert core.portable(said) == "ENGINE=InnoDB COMMENT='`PAGE_COMPRESSED`=''1'' `encrypted`=yes'"


@pytest.mark.parametrize(
    ("kind", "body", "names"),
    [
        (
            "view",
            "select `o`.`id` from (`s`.`t` join `other`.`x` `o` on(`o`.`id` = `s`.`t`.`id`))",
            ["other"],
        ),
        ("view", "select `other`.`id` from `s`.`t` `other`", []),
        ("view", "select 'from `other`.`x`' AS `a` from `s`.`t`", []),
        ("view", "select 1 from `we``ird`.`t`, `other`.`y`", ["other", "we`ird"]),
        ("procedure", "BEGIN INSERT INTO other.log VALUES (1); END", ["other"]),
        ("procedure", "BEGIN SET another.x = 1; SELECT 'other.log', other_thing.y; END", []),
        ("trigger", "UPDATE `other` . `t` SET a = 1", ["other"]),
    ],
)
def test_a_schema_is_named_where_its_tables_are(kind: str, body: str, names: list[str]) -> None:
    assert core.schemas_named(kind, body, ["other", "we`ird"]) == names


def test_tables_with_the_same_keys_in_another_order_are_the_same() -> None:
    keys = "CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  KEY `{}` (`a`),\n  KEY `{}` (`a`)\n) X"
    one, two = keys.format("k", "l"), keys.format("l", "k")
    assert parse_table("s", one).lines() == parse_table("s", two).lines()


def test_an_unfinished_text_is_refused() -> None:
    with pytest.raises(SchemaError, match="ends inside its bracket"):
        parse_table("s", "CREATE TABLE `t` (\n `a` int")
    with pytest.raises(SchemaError, match="no table text"):
        parse_table("s", "CREATE VIEW v AS SELECT 1")


@pytest.mark.parametrize(
    ("text", "definer"),
    [
        ("CREATE DEFINER=`root`@`%` TRIGGER t", ("root", "%")),
        ('CREATE DEFINER="a b"@"127.%" PROCEDURE "p"()', ("a b", "127.%")),
        ("CREATE DEFINER=`we``ird@x`@`h` FUNCTION f()", ("we`ird@x", "h")),
        ("CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW v AS select 1", ("a", "b")),
        ("CREATE DEFINER=role_x EVENT e", ("role_x", "")),
        ("CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 'DEFINER=`x`@`y` '", None),
    ],
)
def test_the_definer_is_found_in_the_header_and_nowhere_else(
    text: str, definer: tuple[str, str] | None
) -> None:
    assert core.definer_of(text) == definer
    renamed = core.with_definer(text, ("new`one", "h"))
    assert "DEFINER=`new``one`@`h` " in renamed
    assert core.without_definer(renamed) == core.without_definer(text)
    assert "DEFINER=CURRENT_USER " in core.with_definer(text, None)
    assert core.same_code(text, renamed)


def test_an_events_own_words_are_not_its_status() -> None:
    text = (
        "CREATE DEFINER=`a`@`b` EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE ENABLE COMMENT 'ON"
        " COMPLETION PRESERVE ENABLE' DO SELECT 1"
    )
    asleep = core.with_status(text, False)
    assert asleep == text.replace("PRESERVE ENABLE COMMENT", "PRESERVE DISABLE COMMENT")
    assert core.with_status(asleep.replace("DISABLE", "DISABLE ON SLAVE", 1), True) == text


def test_views_come_after_what_they_read() -> None:
    views = [
        ("s", "a", "select `s`.`z`.`x` from `s`.`z`"),
        ("s", "z", "select 1 from `o`.`m`"),
        ("o", "m", "select 1"),
    ]
    assert [n for _, n, _ in core.in_order(views)] == ["m", "z", "a"]
    circle = [("s", "a", "`s`.`b`"), ("s", "b", "'`s`.`a`'")]
    assert len(core.in_order(circle)) == 2


def test_text_goes_over_the_wire_in_the_character_set_it_was_written_in() -> None:
    sent = core.wire_text("SELECT 'é'", "latin1")
    assert sent is not None
    assert sent.encode("utf-8", "surrogateescape") == b"SELECT '\xe9'"
    assert core.wire_text("SELECT '한'", "latin1") is None
    assert core.wire_text("SELECT '한'", "klingon") is None
    # every character set of a client has ASCII
    assert core.wire_text("SELECT 1", "klingon") == "SELECT 1"
