"""The public name: its record, its TTL, its change, and who still holds the old answer.

Promises: a change is DELETE of exactly what is there and CREATE of all that shall, in one batch. What was
there comes back.
Enter at: `operators`, `sensors`, `adapters/zones` (`zone_of`: Route 53, RFC 2136 or a person at a panel),
`record` (what it becomes and why it may not), `zone_checks` (what the authorities say), `propagation` (who
has flipped).
Never: moves writes, takes INSYNC for the state of caches, deletes before it creates.
"""
