"""What would go wrong, found before anything changes. One file for each check.

Promises: reads only. Every finding says what was measured, the limit, and what to do. A part that cannot be
read becomes a finding.
Enter at: `operators`, `checks` (the list and the files), `adapters/facts_reader` (measures), `facts` (what
the checks judge), `prepare_source` (what the DBA of the data centre is asked for).
Never: changes a server, guesses where it could measure. A new check is one file in `checks`, its
import in `checks/__init__` and its place in a tuple there.
"""
