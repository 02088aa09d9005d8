"""Which configurations must hold, and what the protocol cannot do without."""

from __future__ import annotations

from tests.protocol_model.checker import Case

ONE, ONCE, STUCK, DONE = (1,), (2,), (3,), (4,)
ANY = (1, 2, 3, 4)

SMALLEST = Case("rollback")
HOLD = [
    Case("retry"),
    SMALLEST,
    Case("retry", writes=2),
    Case("rollback", writes=2),
    Case("retry", writes=0, event_writes=1),
    Case("rollback", writes=0, event_writes=1),
]
"""Of all of it: exhaustive, no promise breaks."""

LONG = [
    Case("retry", returns=1),
    Case("rollback", returns=1),
    Case("rollback", writes=1, event_writes=1),
    Case("retry", writes=3),
    Case("rollback", returns=2, bitstate=True),
    Case("rollback", returns=1, event_writes=1, bitstate=True),
]
"""Minutes to hours: return paths beside a move and a rollback. The last two use bit-state hashing."""


def _without(what: str, beside: str = "retry", breaks: tuple[int, ...] = ANY, **size: int) -> Case:
    return Case(beside, without=what, breaks=breaks, **size)  # type: ignore[arg-type]


BREAK = [
    # 2 and 3: lease and fence
    _without("ACCOUNT_LOCK"),
    _without("WAITING_FOR_SESSIONS"),
    _without("EVENTS_IN_THE_FENCE", event_writes=1),
    _without("WAITING_FOR_EVENTS", event_writes=1),
    _without("MERGED_LIST", event_writes=1),
    # 6: the commit
    _without("COMPARE_AND_SET"),
    _without("ROW_AS_TRUTH"),
    # 7, 8, 9: claim, prepare, open
    _without("DOOR"),
    _without("DDL_GUARD"),
    _without("DDL_BEFORE_POSITION"),
    _without("POSITION_ONCE"),
    _without("POSITION_AFTER_CLAIM"),
    _without("TRIGGERS_LAST"),
    _without("EVENTS_LAST", event_writes=1),
    _without("EVENTS_CREATED_DISABLED"),
    # 10: servers
    _without("EPOCH_IN_THE_SERVER"),
    _without("EPOCH_IN_THE_WAITER"),
    # 12 and 13: reverse replication
    _without("TRIGGERS_DROPPED"),
    _without("EVENTS_ASLEEP"),
    _without("OPEN_BEFORE_RETURN"),
    # A, and the dead-man's switch
    _without("GUARD_OF_LIFT"),
    _without("LEVEL_TRIGGER"),
    _without("SWITCH_UNDER_LOCK"),
]
"""Each takes one thing out: a promise must break."""

LONG += [_without("GUARD_OF_OPEN", "rollback", returns=1), _without("STARTING_ONCE", returns=1)]
"""These two need return paths. The first: 18 million states without a violation, not searched to the end."""

SPARE = ("GUARD_OF_FENCE", "LEASE_FIRST", "TELLING", "SHUTTING_OUT")
"""Taken out, these break no promise; they stay in the code because they end an overtaken attempt early.

SHUTTING_OUT was searched to the end. Without the others the switch opens what is shut without a lease, the
commit has its own guard, and a waiter repoints without the call (the model's waiters never expire).
"""
