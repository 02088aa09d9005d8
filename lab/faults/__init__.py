"""Faults, one file for each kind, armed by name against a switchover in the arena (lab/switchover_harness).

Each file gives a list of `Fault`s. A fault runs the first attempt of a move up to the moment at which
somebody has to do something about it, and makes sure that it happened: `NotBitten` when it did not, for a
case that proves nothing must not count as passed. See stage.py for what a fault has in its hands, `python -m
lab.chaos --list` for names.
"""

from lab.faults.stage import Fault, NotBitten, Stage

__all__ = ["Fault", "NotBitten", "Stage", "all_faults"]


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
