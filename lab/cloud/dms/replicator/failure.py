"""How a replicator's work ends: by order, by an error that may pass, or by one that will not."""

from __future__ import annotations

from typing import Any

import MySQLdb
import pymysql

PASSING = {
    1040,
    1053,
    1077,
    1079,
    1158,
    1159,
    1160,
    1161,
    1205,
    1213,
    1317,
    1927,
    2002,
    2003,
    2006,
    2013,
    2014,
    2055,
    0,
}
"""Server and client errors after which a new connection may work (a restart, a kill, a deadlock)."""


class Stopped(Exception):
    """The order to stop arrived; its text is DMS's StopReason."""

    def __init__(self, reason: str) -> None:
        self.reason = f"Stop Reason {reason}"
        super().__init__(self.reason)


class Failed(Exception):
    """The task cannot go on; the text becomes LastFailureMessage."""


class Refused(Failed):
    """The server refused one statement for good: its number, and its words."""

    def __init__(self, doing: str, side: str, number: int, words: str) -> None:
        self.number, self.words = number, words
        super().__init__(f"{doing} on the {side} failed: {odbc(number, words)}")


class Again(Exception):
    """Something changed what is to be done: begin the session anew from the checkpoint."""


class OneByOne(Again):
    """A group of changes was refused: apply up to this place row by row, to find the refused row."""

    def __init__(self, place: Any) -> None:
        self.place = place
        super().__init__(str(place))


class Lost(Exception):
    """A connection broke; `side` is source or target. Trying again from the checkpoint may help."""

    def __init__(self, side: str, why: str) -> None:
        self.side, self.why = side, why
        super().__init__(f"{side}: {why}")


def translate(side: str, doing: str, error: BaseException) -> Exception:
    """What an error of the driver means for the task; the server's number and words are kept."""
    if isinstance(error, OSError):
        return Lost(side, str(error))
    if not isinstance(error, pymysql.err.MySQLError | MySQLdb.MySQLError):
        return error if isinstance(error, Exception) else Failed(str(error))
    number, words = split(error)
    if number in PASSING:
        return Lost(side, f"{number} {words}")
    return Refused(doing, side, number, words)


def split(error: BaseException) -> tuple[int, str]:
    args: tuple[Any, ...] = error.args
    if args and isinstance(args[0], int):
        return args[0], str(args[1]) if len(args) > 1 else ""
    return -1, str(error)


def odbc(number: int, words: str) -> str:
    """The server's message as DMS formats it."""
    return f"RetCode: SQL_ERROR SqlState: HY000 NativeError: {number} Message: {words}"
