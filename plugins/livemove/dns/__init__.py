"""The public name: its record, its TTL, its change, and who still holds the old answer.

Promises: a change replaces exactly what was seen, in one act: a batch of DELETE and CREATE at Route 53, one
update with prerequisites by RFC 2136. By hand a person makes it, and the authorities prove it. What was there
comes back.
Enter at: `operators`, `sensors`, `adapters/zones` (`zone_of`: Route 53, RFC 2136 or a person at a panel),
`record` (what it becomes and why it may not), `zone_checks` (what the authorities say), `propagation` (who
has flipped), `public_resolvers` (the caches that are asked).
Never: moves writes, takes INSYNC for the state of caches, deletes and creates in two acts.
"""
