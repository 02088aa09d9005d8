"""All servers move from one database to the other without losing a write; and back.

Promises: I1 one writer, I2 nothing lost and nothing twice, I3 never stuck closed, I4 any retry or clear is
safe (docs/protocol.md).
Enter at: `protocol` (STEPS 0 to 11 in order), `steps` (what each does), `next_action` (what a retry does, by
two rows), `guards` (step 0), `reverse_replication` (12 and 13), `rollback_safety` (what a rollback would
lose), `soak`, `rollback`, `promotion` (the emergency), `manual_recovery` (the CLI's verbs), `operators` and
`sensors` (the tasks), `adapters/wiring` (the `Dependencies` of one move).
Never: undoes after the commit, continues another attempt's fence, decides by the ledger.
"""
