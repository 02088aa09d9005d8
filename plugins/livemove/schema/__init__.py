"""The schema on the target, in phases, and the proof that it arrived whole.

Promises: each object arrives as it was recorded, or is refused by name. Run twice, it completes. Events are
disabled on the follower and triggers are absent there until the switchover.
Enter at: `operators`, `adapters/copy_schema`, `adapters/stored_code`, `objects` (what is created in which
phase), `parity` (both catalogues, field by field), `adapters/ddl_watch` (DDL on the owner while both run).
Never: copies rows, changes the owner's schema.
"""
