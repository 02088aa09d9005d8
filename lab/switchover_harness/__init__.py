"""The arena: the smallest real world in which the switchover runs, without Airflow, Terraform and an AWS
endpoint.

Two real mariadbd (one with all rights, one that refuses what RDS refuses), the lab's replicator processes
behind the Replicator port, servers of both sites that run the real `livemove-server`, a small application on
each, and users who write at a fixed rate and keep their own list. Everything between is livemove's production
code.

    with Arena(Path("/dev/shm/arena"), rate=80, connections=8) as arena:   # two servers come up, about 5 s
        arena.begin()                       # schema, control objects, replication, way back, users: about 3 s
        mover = arena.mover("move")         # a process of its own: switchover to the target, then return_path
        mover.wait()
        print(mover.outcome["document"]["fenced_ms"], max(arena.record.gaps()))
        verdict = arena.audit(Side.TARGET)  # stops the users, looks for every acknowledged write
        arena.begin()                       # from the start again: drops schemas and accounts first

`Arena(..., lease, pause_budget, hold, sites)` are the spec's; `arena.world()` is the service's World in this
process, so `parts_of(arena.world())` gives the Parts for a switchover without a process. `arena.record` has
the acknowledged writes with their times (lab/switchover_harness/users.py), `arena.host(name)` a server, whose
delivery can be slowed or broken (lab/switchover_harness/hosts.py), `arena.doors` puts a proxy between movers
and a database, `mover.at(...)` lets a mover die or stand still at a named place
(lab/switchover_harness/mover.py).
"""

from lab.switchover_harness.harness import Arena, MoverProcess

__all__ = ["Arena", "MoverProcess"]
