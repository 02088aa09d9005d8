"""The switchover harness: the smallest set of real parts in which the switchover runs.

It has no Airflow, no Terraform and no AWS endpoint. It has two real mariadbd (one with all rights, one that
refuses what RDS refuses), the lab's replicator processes behind the Replicator port, servers of both sites
that run the real `livemove-server`, a small application on each, and users who write at a fixed rate and keep
a list of their own. Everything between is livemove's production code.

    with SwitchoverHarness(Path("/dev/shm/harness"), rate=80, connections=8) as harness:  # about 5 s
        harness.begin()                       # schema, control objects, replication, users: about 3 s
        mover = harness.mover("move")         # a process: the switchover to the target, then return_path
        mover.wait()
        print(mover.outcome["document"]["fenced_ms"], max(harness.record.gaps()))
        verdict = harness.audit(Side.TARGET)  # stops the users, looks for every acknowledged write
        harness.begin()                       # from the start again: drops schemas and accounts first

`SwitchoverHarness(lease=, pause_budget=, hold=, sites=)` set the spec's values.

- `harness.world()`: the service's context in this process; `build_dependencies(harness.world())` gives
  what a switchover without a process of its own depends on.
- `harness.record`: the acknowledged writes with their times (users.py).
- `harness.host(name)`: a server, whose delivery of commands can be slowed or broken (hosts.py).
- `harness.begin(mover_addresses=)`: a proxy between movers and a database.
- `harness.mover(verb, at=[...])`: a mover that dies or stops at a named point (mover.py).
"""

from lab.switchover_harness.harness import MoverProcess, SwitchoverHarness

__all__ = ["MoverProcess", "SwitchoverHarness"]
