"""When work is done again, and when it is not: the gate with pools that need no database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from lab.web.monolith.gate import Gate
from lab.web.monolith.pool import Pool, Unavailable
from lab.web.monolith.settings import Settings, SettingsError, read_settings

SETTINGS = Settings("source", "127.0.0.1", 1, "shop_app", "secret", "shop", hold_limit=2)


class Double(Pool):
    """A pool whose database does what the test says, once per attempt."""

    def __init__(self, *attempts: Callable[[], Any]) -> None:
        super().__init__(SETTINGS)
        self.attempts = list(attempts)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        self.attempts.pop(0)()
        yield self


def refuse(repeat: bool = False, uncertain: bool = False) -> Callable[[], None]:
    def attempt() -> None:
        raise Unavailable("refused", repeat=repeat, uncertain=uncertain)

    return attempt


def done() -> None:
    return


def during(
    act: Callable[[Gate], Awaitable[object]], gate: Gate, then: Callable[[], None]
) -> Callable[[], None]:
    """An attempt in whose middle something happens to the gate; attempts run in threads of the gate."""
    loop = asyncio.get_running_loop()

    def attempt() -> None:
        asyncio.run_coroutine_threadsafe(_await(act(gate)), loop).result(5)
        then()

    return attempt


async def _await(what: Awaitable[object]) -> object:
    return await what


async def release_soon(gate: Gate) -> None:
    asyncio.get_running_loop().call_later(0.05, gate.release)
    await gate.hold(0.1)


async def hold_and_release(gate: Gate) -> None:
    await gate.hold(0.01)
    gate.release()


async def move(gate: Gate) -> None:
    gate.pool = Double(done)


@pytest.mark.parametrize("act", [release_soon, hold_and_release, move])
def test_what_was_refused_during_a_move_is_done_again(act: Callable[[Gate], Awaitable[object]]) -> None:
    async def scene() -> None:
        gate = Gate()
        gate.pool = Double(during(act, gate, refuse()), done)
        assert await gate.work(lambda c: "written") == "written"

    asyncio.run(scene())


def test_a_refusal_without_a_move_is_the_answer() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.pool = pool = Double(refuse(), done)
        with pytest.raises(Unavailable, match="refused"):
            await gate.work(lambda c: None)
        assert len(pool.attempts) == 1

    asyncio.run(scene())


def test_attempts_are_bounded_and_doubt_is_kept() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.pool = pool = Double(*[refuse(repeat=True, uncertain=True)] + [refuse(repeat=True)] * 20)
        with pytest.raises(Unavailable) as caught:
            await gate.work(lambda c: None)
        assert caught.value.uncertain
        assert len(pool.attempts) == 21 - 3

    asyncio.run(scene())


def test_an_error_of_the_work_itself_is_not_repeated() -> None:
    async def scene() -> None:
        gate = Gate()
        gate.pool = pool = Double(done, done)
        with pytest.raises(KeyError):
            await gate.work(lambda c: {}["missing"])
        assert len(pool.attempts) == 1

    asyncio.run(scene())


def test_a_retired_pool_begins_nothing_new() -> None:
    pool = Pool(SETTINGS)
    pool.retire()
    with pytest.raises(Unavailable) as caught, pool.connection():
        pass
    assert caught.value.repeat


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("DB_HOST=h\n", "DB_USER is missing"),
        ("DB_HOST\n", ":1: wanted KEY=value"),
        ("DB_HOST=h\nDB_USER=u\nDB_PASSWORD=p\nDB_NAME=d\nDB_PORT=x\n", "invalid literal"),
    ],
)
def test_a_settings_file_is_refused_by_file_and_key(tmp_path: Any, text: str, named: str) -> None:
    file = tmp_path / "shop.env"
    file.write_text(text)
    with pytest.raises(SettingsError, match=named) as caught:
        read_settings(file)
    assert str(file) in str(caught.value)


def test_a_password_is_taken_as_it_stands_and_never_shown(tmp_path: Any) -> None:
    file = tmp_path / "shop.env"
    password = 'a\'b "c" #=$x\\'
    file.write_text(f"# settings\nSITE=source\nDB_HOST=h\nDB_USER=u\nDB_PASSWORD={password}\nDB_NAME='d'\n")
    settings = read_settings(file)
    assert settings.password == password
    assert settings.database == "d"
    assert password not in repr(settings)
