"""The data centre's database: the same for a seed, large enough, and consistent in itself."""

from __future__ import annotations

import pytest

from lab.idc import listings
from lab.mariadb import Server


def test_a_seed_decides_every_byte() -> None:
    first = [t.text for t in listings.tables(4000, seed=3)]
    assert [t.text for t in listings.tables(4000, seed=3)] == first
    assert [t.text for t in listings.tables(4000, seed=4)] != first


@pytest.mark.parametrize("rows", [300_000, 5000])
def test_there_are_at_least_as_many_rows_as_asked(rows: int) -> None:
    assert sum(len(t) for t in listings.tables(rows, seed=7)) >= rows


@pytest.mark.servers
def test_what_is_loaded_is_what_the_triggers_would_have_made(first_database: Server) -> None:
    audited = """
        SELECT COUNT(*) FROM shop.orders o
        WHERE 1 <> (SELECT COUNT(*) FROM shop.order_audit a WHERE a.order_id = o.id AND a.action = 'insert'
                    AND a.idempotency_key = o.idempotency_key AND a.amount = o.amount)"""
    counted = """
        SELECT COUNT(*) FROM shop.listings l
        WHERE l.enquiry_count <> (SELECT COUNT(*) FROM shop.enquiries e WHERE e.listing_id = l.id)
           OR l.order_count <> (SELECT COUNT(*) FROM shop.orders o WHERE o.listing_id = l.id)"""
    for sql in (audited, counted):
        assert first_database.query(sql)[0][0] == 0


@pytest.mark.servers
def test_it_has_every_kind_of_object_that_a_move_must_carry(first_database: Server) -> None:
    def names(sql: str) -> set[str]:
        return {str(row[0]) for row in first_database.query(sql)}

    inside = "table_schema = 'shop'"
    types = names(f"SELECT DISTINCT data_type FROM information_schema.columns WHERE {inside}")
    assert {"enum", "decimal", "datetime", "timestamp", "blob", "text", "bit", "double", "longtext"} <= types
    assert names(f"SELECT table_name FROM information_schema.views WHERE {inside}") == {"open_listings"}
    assert (
        len(names("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'shop'")) == 4
    )
    assert (
        len(names("SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'shop'")) == 2
    )
    assert names("SELECT status FROM information_schema.events WHERE event_schema = 'shop'") == {
        "ENABLED",
        "DISABLED",
    }
    assert names(f"SELECT index_type FROM information_schema.statistics WHERE {inside}") == {
        "BTREE",
        "FULLTEXT",
    }
    assert (
        int(
            first_database.query(
                "SELECT COUNT(*) FROM shop.listings WHERE title LIKE '%🏠%' AND title LIKE '%구%'"
            )[0][0]
        )
        > 0
    )  # type: ignore[call-overload]
    assert int(first_database.query("SELECT COUNT(*) FROM shop.listings WHERE sold_at IS NULL")[0][0]) > 0  # type: ignore[call-overload]
