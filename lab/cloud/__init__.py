"""The AWS endpoint of the lab: moto in a process of its own, with living resources behind it.

Start it with `python -m lab.cloud`. One file per service; each has `install(cloud)`, which lays its patches
over moto before the first request. The rule for all of them: a hook logs and never raises, because moto has
changed its state already and a client that gets a 500 would try again and hear "already exists".
"""
