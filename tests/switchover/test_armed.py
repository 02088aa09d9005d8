"""Armed servers: real waiters that watch the control row of a real database and repoint a real script."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from livemove.control.adapters.setup import drop_accounts
from livemove.model.ports import ControlState
from livemove.model.spec import Side
from tests.switchover.armed import WRITE, ShellServer, ShellServers, allow_watching, good
from tests.switchover.conftest import Two

S, T = Side.SOURCE, Side.TARGET


@pytest.fixture
def servers(two: Two, tmp_path: Path) -> Iterator[ShellServers]:
    allow_watching(two)
    made = ShellServers(ShellServer(two, tmp_path / "first"), ShellServer(two, tmp_path / "second"))
    yield made
    made.close()


@pytest.fixture
def server(servers: ShellServers) -> ShellServer:
    return servers.shells[0]


def open_next(two: Two, to: Side = T, epoch: int = 1) -> None:
    """Steps 2 to 9 without anything to replicate."""
    f, t = two.control[to.other], two.control[to]
    for out in (f.arm(epoch, "a", 60), f.close(epoch, "a"), f.cede(epoch, "a", 1), t.claim(epoch + 1)):
        assert out.done
    t.set_position(epoch + 1, t.binlog_position())
    assert t.open(epoch + 1).done


def watchers(two: Two, side: Side = T) -> list[int]:
    """Sessions inside livemove's procedures: they are listed under the definer."""
    return [
        int(str(r[0]))
        for r in two.root(
            side, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'livemove' AND COMMAND = 'Query'"
        )
    ]


def watch_login(two: Two, side: Side) -> pymysql.Connection:
    server = two.servers[side]
    return pymysql.connect(
        host=server.address, port=server.port, user="livemove_watch", password="w", autocommit=True
    )


@pytest.mark.parametrize("side", list(Side))
def test_the_watching_account_may_watch_and_report_and_nothing_else(two: Two, side: Side) -> None:
    allow_watching(two)
    two.root(S, "SET GLOBAL read_only = 1")
    with closing(watch_login(two, side)) as c, c.cursor() as cursor:
        cursor.execute("CALL livemove.watch(9, 0)")
        assert cursor.fetchall() == (("go", None),)
        cursor.execute("CALL livemove.report_hold('web', 9, 1)")
        two.root(S, "SET GLOBAL read_only = 0")  # which would refuse before anybody asks for rights
        for forbidden in (
            "SELECT * FROM livemove.control",
            "UPDATE livemove.hold SET until = NOW()",
            "CALL livemove.ask_hold(1, 10)",
            "CALL livemove.lift_fence(1, 'a')",
            "SELECT * FROM shop.orders",
        ):
            with pytest.raises(pymysql.err.MySQLError, match="denied"):
                cursor.execute(forbidden)
    assert two.control[side].held(9) == {"web": True}


def test_armed_servers_hold_and_move_when_the_row_says_so_without_another_word(
    two: Two, servers: ShellServers
) -> None:
    armed = good(servers.arm(2, T, 60))
    assert [r.message for r in armed] == ["armed: 2 target watching"] * 2
    assert len(watchers(two)) == 2
    assert [s.held for s in servers.shells] == [False, False]
    assert two.t.ask_hold(1, 60).done
    two.until(lambda: two.t.held(2) == {"first": True, "second": True}, "both hold")
    assert [s.held for s in servers.shells] == [True, True]
    assert [s.side for s in servers.shells] == [S, S]
    open_next(two)
    two.until(lambda: not any(s.waits for s in servers.shells), "both waiters done")
    assert [s.side for s in servers.shells] == [T, T]
    assert [s.waiter.startswith("2 target moved: written to") for s in servers.shells] == [True, True]
    assert [s.held for s in servers.shells] == [False, False]
    told = good(servers.repoint(2, T))
    assert [r.facts["epoch"] for r in told] == [2, 2]
    assert [s.reloads for s in servers.shells] == [1, 1], "told again, it proves and does not reload"


def test_the_way_back_is_watched_on_a_source_that_is_read_only(two: Two, servers: ShellServers) -> None:
    open_next(two)
    good(servers.repoint(2, T))
    assert two.s.follow(2).done
    good(servers.arm(3, S, 60))
    assert two.s.ask_hold(2, 60).done
    two.until(lambda: two.s.held(3) == {"first": True, "second": True}, "both hold")
    open_next(two, S, 2)
    two.until(lambda: not any(s.waits for s in servers.shells), "both waiters done")
    assert [s.side for s in servers.shells] == [S, S]


def test_a_hold_that_is_called_off_ends_on_the_servers_and_the_waiters_go_on_watching(
    two: Two, servers: ShellServers
) -> None:
    good(servers.arm(2, T, 60))
    two.t.ask_hold(1, 60)
    two.until(lambda: len(two.t.held(2)) == 2, "both hold")
    assert two.t.ask_hold(1, 0).done
    two.until(lambda: not any(s.held for s in servers.shells), "requests go on")
    assert all(s.waits for s in servers.shells)
    two.t.ask_hold(1, 0.3)
    two.until(lambda: len(two.t.held(2)) == 2, "both hold again")
    two.until(lambda: not any(s.held for s in servers.shells), "a hold that nobody calls off ends as well")


def test_a_hold_command_that_fails_is_reported(two: Two, servers: ShellServers, server: ShellServer) -> None:
    server.commands(hold="exit 3")
    good(servers.arm(2, T, 60))
    two.t.ask_hold(1, 60)
    two.until(lambda: two.t.held(2) == {"first": False, "second": True}, "both reported")


def test_a_hold_may_be_asked_only_of_a_database_that_follows(two: Two) -> None:
    assert not two.s.ask_hold(1, 60).done
    assert not two.t.ask_hold(2, 60).done
    open_next(two)
    assert not two.t.ask_hold(2, 60).done


def test_a_server_that_cannot_log_in_is_not_armed_and_leaves_no_waiter(
    two: Two, servers: ShellServers, server: ShellServer
) -> None:
    login = server.folder / "target.watch"
    login.write_text(login.read_text().replace("password=w", "password=wrong"))
    first, second = servers.arm(2, T, 60)
    assert (first.ok, second.ok) == (False, True)
    assert "Access denied" in first.message
    assert not server.waits
    ready = servers.status(watching=T)
    assert "Access denied" in ready[0].facts["watch"]
    assert ready[1].facts["watch"] == "ready"
    assert ready[1].facts["probe_ms"] > 0
    assert [r.facts["watch"] for r in servers.status(watching=S)] == ["ready", "ready"]


def test_a_connection_that_drops_is_made_anew(two: Two, servers: ShellServers) -> None:
    good(servers.arm(2, T, 60))
    before = watchers(two)
    for number in before:
        two.root(T, f"KILL {number}")
    two.until(lambda: len(set(watchers(two)) - set(before)) == 2, "both watch again")
    open_next(two)
    two.until(lambda: all(s.side is T for s in servers.shells), "both moved")


def test_a_released_server_no_longer_waits(two: Two, servers: ShellServers) -> None:
    good(servers.arm(2, T, 60))
    two.t.ask_hold(1, 60)
    two.until(lambda: len(two.t.held(2)) == 2, "both hold")
    good(servers.release())
    assert not any(s.waits or s.held for s in servers.shells)
    open_next(two)
    assert [s.side for s in servers.shells] == [S, S]
    assert [r.facts["points_to"] for r in good(servers.repoint(2, T))] == ["target", "target"]


def test_a_newer_waiter_replaces_an_older_one(two: Two, server: ShellServer) -> None:
    one = ShellServers(server)
    good(one.arm(2, T, 60))
    first = (server.folder / "waiter.pid").read_text()
    good(one.arm(2, T, 60))
    assert (server.folder / "waiter.pid").read_text() != first
    assert server.waits
    open_next(two)
    two.until(lambda: not server.waits, "the waiter done")
    assert server.reloads == 1


def test_a_waiter_ends_by_itself_and_lets_requests_go(two: Two, server: ShellServer) -> None:
    good(ShellServers(server).arm(2, T, 2))
    two.t.ask_hold(1, 60)
    two.until(lambda: not server.waits, "the waiter gone", 30)
    assert server.waiter == "2 target timed out"
    assert not server.held
    open_next(two)
    assert server.side is S


def test_a_waiter_whose_epoch_is_over_ends_without_doing_anything(two: Two, server: ShellServer) -> None:
    one = ShellServers(server)
    open_next(two)
    assert two.s.follow(2).done
    open_next(two, S, 2)
    reply = one.arm(2, T, 60)[0]
    assert not reply.ok
    two.until(lambda: not server.waits, "the waiter gone")
    assert server.waiter == "2 target superseded"
    assert server.side is S


def test_a_waiter_that_wakes_beyond_a_rollback_is_refused_by_the_epoch_that_the_server_has_seen(
    two: Two, server: ShellServer
) -> None:
    """It saw OPEN@2, was stopped before it did anything, and goes on after the server was told of epoch 3."""
    server.commands(
        watch=(
            'echo go; while [ ! -e app/opened ]; do sleep 0.02; done; echo open; touch app/seen; trap ""'
            " TERM; exec sleep 3"
        )
    )
    one = ShellServers(server)
    good(one.arm(2, T, 60))
    with open(server.folder / "lock", "w") as lock:
        # somebody else has the lock: the waiter has seen the row and waits for its turn
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        (server.home / "app/opened").touch()
        two.until(lambda: (server.home / "app/seen").exists(), "the waiter saw the row")
        (server.folder / "epoch").write_text("3\n")
    two.until(lambda: "failed" in server.waiter, "the waiter refused")
    assert server.waiter == "2 target failed: epoch 2 is older than 3"
    assert server.side is S
    assert server.reloads == 0


def test_an_explicit_word_during_the_waiters_move_waits_and_finds_it_done(
    two: Two, server: ShellServer
) -> None:
    server.commands(
        reload=(
            "touch app/reloading; while [ ! -e app/go ]; do sleep 0.02; done; cp -L app/shop.env app/loaded;"
            " echo . >> app/reloads"
        )
    )
    one = ShellServers(server)
    good(one.arm(2, T, 60))
    open_next(two)
    two.until(lambda: (server.home / "app/reloading").exists(), "the waiter reloads")
    told: list[bool] = []
    word = threading.Thread(target=lambda: told.extend(r.ok for r in one.repoint(2, T)))
    word.start()
    (server.home / "app/go").touch()
    word.join(60)
    assert told == [True]
    assert server.waiter.startswith("2 target moved")
    assert (server.side, server.reloads) == (T, 1)


def test_a_word_comes_through_where_the_waiter_stands_still(two: Two, server: ShellServer) -> None:
    one = ShellServers(server)
    good(one.arm(2, T, 60))
    pid = int((server.folder / "waiter.pid").read_text())
    os.killpg(pid, signal.SIGSTOP)
    open_next(two)
    good(one.repoint(2, T))
    assert (server.side, server.reloads) == (T, 1)
    os.killpg(pid, signal.SIGCONT)
    two.until(lambda: not server.waits, "the waiter gone")
    assert server.reloads == 1


def test_a_proof_that_no_longer_holds_is_made_anew_with_a_reload(two: Two, server: ShellServer) -> None:
    one = ShellServers(server)
    open_next(two)
    good(one.repoint(2, T))
    (server.home / "app/loaded").write_text("DB_HOST=127.0.0.1\n")
    good(one.repoint(2, T))
    assert (server.side, server.reloads) == (T, 2)


def test_what_waits_is_no_session_of_the_application_and_outlives_the_fence(
    two: Two, servers: ShellServers
) -> None:
    good(servers.arm(2, T, 60))
    before = watchers(two)
    assert len(before) == 2
    assert two.s.arm(1, "a", 60).done
    assert two.s.close(1, "a").remaining == 0
    assert two.s.cede(1, "a", 1).done
    for _ in range(2):
        assert two.t.claim(2).remaining == 0
    assert watchers(two) == before
    assert not two.t.health(0).long_transactions


def test_dropping_the_accounts_ends_the_watching_sessions(two: Two, servers: ShellServers) -> None:
    good(servers.arm(2, T, 60))
    drop_accounts(two.db[T])
    two.until(lambda: not watchers(two), "nobody watches")
    two.db[T].run("DROP SCHEMA livemove")


def test_a_watch_command_of_the_users_own_is_used_in_place_of_a_client(two: Two, server: ShellServer) -> None:
    server.commands(
        watch='PATH=$PATH:/usr/bin mysql --defaults-file="$WATCH_LOGIN" -BNn -e "$WATCH_SQL"', probe=WRITE
    )
    one = ShellServers(server)
    good(one.arm(2, T, 60))
    two.t.ask_hold(1, 60)
    two.until(lambda: two.t.held(2) == {"first": True}, "it holds")
    open_next(two)
    two.until(lambda: server.side is T, "it moved")


def test_an_open_database_is_seen_by_a_waiter_that_comes_late(two: Two, server: ShellServer) -> None:
    open_next(two)
    assert two.t.read().state is ControlState.OPEN
    reply = good(ShellServers(server).arm(2, T, 60))[0]
    assert reply.message.startswith("armed: 2 target moved")
    assert server.side is T
