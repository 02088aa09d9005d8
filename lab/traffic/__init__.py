"""Users of the public name: open-loop load through the lab's resolvers, and an audit of their writes.

state/traffic/seconds.jsonl        one line a second: what users saw
state/traffic/acknowledged.jsonl   one line for every write that was answered with 200 or 201
state/traffic/unknown.jsonl        writes without a clear answer: each is in the database once or not at all
"""
