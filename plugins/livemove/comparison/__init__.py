"""Are the rows equal? Our own comparison, row by row, while writes go on.

Promises: digests that do not cancel; never "equal" of a row that it did not see or could not judge.
Enter at: `operators`, `adapters/compared_tables` (one table of a service, result in the ledger),
`adapters/table_comparison`, `adapters/final_check` (inside the fence: rows changed since), `row_comparison`
and `canonical` (the judgement, one row as bytes).
Never: writes to a database, but for `adapters/repair`, which a person asks for.
"""
