"""Faults, one file for each kind, armed by name against a switchover in the harness (lab/switchover_harness).

Each file gives a list of `Fault`s. A fault runs the first attempt of a move up to the moment at which
somebody has to act, and checks that the fault happened. If it did not, it raises `FaultNotSeen`, because such
a case proves nothing. context.py says what a fault can use; `python -m lab.chaos --list` prints the names.
"""

from lab.faults.context import Fault, FaultContext, FaultNotSeen

__all__ = ["Fault", "FaultContext", "FaultNotSeen", "all_faults"]


def all_faults() -> list[Fault]:
    """Every fault, in the order of the matrix; names are unique."""
    from lab.faults import (
        application,
        delivery,
        drop_answer,
        inside,
        kill_database,
        kill_mover,
        lease,
        ledger,
        partition,
        replicator,
        return_task,
        zombie,
    )

    modules = (
        kill_mover,
        zombie,
        inside,
        kill_database,
        drop_answer,
        partition,
        lease,
        application,
        replicator,
        delivery,
        ledger,
        return_task,
    )
    faults = [fault for module in modules for fault in module.FAULTS]
    assert len({f.name for f in faults}) == len(faults)
    return faults
