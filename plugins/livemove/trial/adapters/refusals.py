"""What a database or AWS refuses in a trial is its answer, not a crash: its words, with a next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from livemove.model.errors import LivemoveError, RefusedError, UnreachableError

IN_USE = 1205
DENIED = {1044, 1045, 1142, 1143, 1227, 1370, 1410}
"""Lock wait timeout; rights that are missing (https://mariadb.com/kb/en/mariadb-error-code-reference/)."""


@contextmanager
def as_refusals() -> Iterator[None]:
    """Errors of SQL and of AWS become those of livemove."""
    try:
        yield
    except pymysql.err.MySQLError as e:
        raise _of_database(e) from e
    except ClientError as e:
        said = e.response.get("Error", {})
        raise RefusedError(
            f"AWS refused {e.operation_name}: {said.get('Message') or e} ({said.get('Code', '?')})",
            wanted="all that the worker must be able to do on the night",
            next_step=(
                "compare the worker's policies with include/iam, and see whether a boundary or a service"
                " control policy takes the action away; then clear the trial"
            ),
        ) from e
    except BotoCoreError as e:
        raise UnreachableError(
            f"AWS does not answer: {e}",
            next_step="see whether this worker reaches AWS's endpoint, then clear the trial",
        ) from e


def _of_database(e: pymysql.err.MySQLError) -> LivemoveError:
    number, said = (e.args[0], e.args[-1]) if e.args else (None, e)
    side = "".join(getattr(e, "__notes__", ())) or "A database"
    if number == IN_USE:
        wanted = "a scratch schema that nobody else uses"
        next_step = (
            "end what uses livemove_trial there, see SHOW FULL PROCESSLIST (a dump, or a transaction that"
            " is open); then clear the trial"
        )
    elif number in DENIED:
        wanted = "all that livemove's own account must be able to do on the night"
        next_step = "give it what is missing (`livemove prepare-source` prints it), then clear the trial"
    else:
        wanted = "a database that takes what livemove does on the night"
        next_step = "change what the server names, its error log may say more; then clear the trial"
    return RefusedError(
        f"{side} refused a statement of the trial: {said} ({number or '?'})",
        wanted=wanted,
        next_step=next_step,
    )


def as_livemove_error(e: Exception) -> LivemoveError:
    """Any failure as one of livemove's."""
    if isinstance(e, LivemoveError):
        return e
    return LivemoveError(
        f"{type(e).__name__}: {e}", next_step="see the log of this task; then clear the trial"
    )
