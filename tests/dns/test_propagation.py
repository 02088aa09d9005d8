from datetime import timedelta

from livemove.dns.propagation import Row, as_rows, as_table, fold, from_rows, honest_end, judge
from livemove.model.ports import Answer
from tests.doubles.memory import START

OLD, NEW = ("192.0.2.1",), ("198.51.100.1", "198.51.100.2")
AUTHORITY = "192.0.2.53"


def look(rows: dict[str, Row], after: float, **message: tuple[tuple[str, ...], int] | str) -> dict[str, Row]:
    now = START + timedelta(seconds=after)
    answers = [
        (
            Answer(s.replace("_", "."), (), 0, now, a)
            if isinstance(a, str)
            else Answer(s.replace("_", "."), a[0], a[1], now)
        )
        for s, a in message.items()
    ]
    return fold(rows, answers, wanted=NEW, record_ttl=60, authorities=[AUTHORITY])


def test_done_only_when_every_server_gives_all_the_new_addresses() -> None:
    rows = look({}, 0, a=(OLD, 30), b=(NEW, 60), c=(NEW[:1], 60), d=(NEW[::-1], 60))
    verdict = judge(rows, wanted=NEW, now=START)
    assert not verdict.done
    assert verdict.message.startswith("2 of 4 name servers answer 198.51.100.1, 198.51.100.2; waiting for a ")
    assert judge(look(rows, 31, a=(NEW, 60), c=(NEW, 60)), wanted=NEW, now=START).done


def test_nobody_asked_is_not_done() -> None:
    assert not judge({}, wanted=NEW, now=START).done


def test_the_next_look_is_just_after_the_earliest_old_answer_ends() -> None:
    rows = look({}, 0, a=(OLD, 3), b=(OLD, 2))
    assert judge(rows, wanted=NEW, now=START).again_in == 2.3


def test_it_looks_every_minute_however_long_the_old_answer_lives() -> None:
    assert judge(look({}, 0, a=(OLD, 86400)), wanted=NEW, now=START).again_in == 60


def test_an_old_answer_that_should_be_gone_is_looked_at_again_soon_but_not_at_once() -> None:
    rows = look({}, 0, a=(OLD, 1))
    assert judge(rows, wanted=NEW, now=START + timedelta(seconds=9)).again_in == 0.3


def test_a_cache_that_shows_more_than_the_record_ever_had_stretches_ttls() -> None:
    rows = look({}, 0, honest=(OLD, 60), stretcher=(OLD, 61), **{AUTHORITY.replace(".", "_"): (NEW, 3600)})
    assert [r.server for r in rows.values() if r.stretches] == ["stretcher"]
    assert "stretches TTLs" in judge(rows, wanted=NEW, now=START).message
    # it stays known for that, also while a small rest of the TTL is left
    assert look(rows, 50, stretcher=(OLD, 11))["stretcher"].stretches


def test_a_server_flips_once_and_loses_it_when_it_falls_back() -> None:
    rows = look({}, 0, a=(OLD, 5))
    rows = look(rows, 6, a=(NEW, 60))
    first = rows["a"].flipped_at
    rows = look(rows, 9, a=(NEW, 57))
    assert rows["a"].flipped_at == first
    assert rows["a"].since == first
    rows = look(rows, 12, a=(OLD, 40))
    assert rows["a"].flipped_at is None
    assert rows["a"].until == (START + timedelta(seconds=52)).isoformat()


def test_a_server_that_fails_is_not_one_with_the_old_answer() -> None:
    rows = look({}, 0, a="SERVFAIL", b=(OLD, 5))
    assert (rows["a"].flipped_at, rows["a"].until, rows["a"].error) == (None, None, "SERVFAIL")
    assert "a (SERVFAIL)" in judge(rows, wanted=NEW, now=START).message


def test_the_end_of_every_honest_cache_is_known_once_the_last_authority_has_changed() -> None:
    rows = look({}, 0, **{"192_0_2_53": (OLD, 60)}, a=(OLD, 60))
    assert "No honest cache" not in judge(rows, wanted=NEW, now=START, record_ttl=60).message
    rows = look(rows, 10, **{"192_0_2_53": (NEW, 60)}, a=(OLD, 50))
    assert "after 18:31:10 UTC" in judge(rows, wanted=NEW, now=START, record_ttl=60).message
    # it asked the authority last before the change, so its TTL looks honest at first
    rows = look(rows, 65, **{"192_0_2_53": (NEW, 60)}, a=(OLD, 30))
    assert not rows["a"].stretches
    rows = look(rows, 75, **{"192_0_2_53": (NEW, 60)}, a=(OLD, 30))
    assert rows["a"].stretches


def test_the_last_authority_ends_the_honest_caches_and_not_the_first() -> None:
    def both(after: float, first: tuple[str, ...], second: tuple[str, ...]) -> dict[str, Row]:
        now = START + timedelta(seconds=after)
        answers = [Answer("a", first, 60, now), Answer("b", second, 60, now)]
        return fold(rows, answers, wanted=NEW, record_ttl=60, authorities=["a", "b"])

    rows: dict[str, Row] = {}
    rows = both(0, NEW, OLD)
    assert honest_end(rows, 60) is None
    rows = both(10, NEW, NEW)
    assert honest_end(rows, 60) == START + timedelta(seconds=70)


def test_a_public_cache_that_never_answers_us_is_shown_and_not_waited_for() -> None:
    def of(seconds: float, *message: Answer, rows: dict[str, Row]) -> dict[str, Row]:
        return fold(rows, message, wanted=NEW, record_ttl=60, authorities=[], advisory=["kt", "sk"])

    rows = of(0, Answer("own", NEW, 60, START), Answer("kt", (), 0, START, "REFUSED"), rows={})
    assert judge(rows, wanted=NEW, now=START).done
    assert "REFUSED, not waited for" in as_table(rows)
    rows = of(0, Answer("own", NEW, 60, START), Answer("sk", OLD, 60, START), rows=rows)
    assert "sk (old answer until" in judge(rows, wanted=NEW, now=START).message
    # only caches of the list answered: that proves nothing about the spec's own
    assert not judge(of(0, Answer("kt", NEW, 9, START), rows={}), wanted=NEW, now=START).done


def test_rows_survive_json_and_the_table_names_everybody() -> None:
    rows = look({}, 0, a=(OLD, 61), b="no answer within 2 s")
    assert from_rows(as_rows(rows)) == rows
    table = as_table(rows)
    assert "stretches TTLs" in table
    assert "no answer within 2 s" in table
