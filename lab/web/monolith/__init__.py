"""The monolith that the story moves: a property-listing site on one database.

It is deployed as an archive and knows nothing of the lab: its address and certificate come from the
environment, everything else from its settings file, which it reads again on SIGHUP.
"""
