"""Users' requests: counted at the servers, watched while both sites serve, drained from the old site.

Promises: a breach is judged against what was normal before; only "no requests for so long" proves the old
site empty.
Enter at: `sensors` (shift by weights, watch of both sites, drain), `watch` and `drain` (the judgement),
`adapters/counters` (where requests are counted), `adapters/site_watch` (one look at both sites, and what a
breach sets in motion).
Never: moves writes; calls a share clean that too few requests have tested.
"""
