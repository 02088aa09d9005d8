"""The web servers of both sites: who reaches whom, deploy, smoke test, settings of the database, stop.

Promises: a server keeps the highest epoch that it has seen and refuses a lower one. Settings lie ready before
the switchover; only a link flips.
Enter at: `operators`, `adapters/servers` (the AppServers port), `scripts/livemove-server` (what runs on each
server), `adapters/connectivity`, `adapters/final_dump`.
Never: puts a secret into a command line, decides which database is the owner.
"""
