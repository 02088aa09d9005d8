"""The control row of each database: owner, epoch, lease. The only place that decides it.

Promises: every act is checked and done inside the database, under its lock, by a guarded procedure
(`sql/control_*.sql`).
Enter at: `adapters/control_row` (the `ControlDb` port), `adapters/setup` (objects and accounts),
`adapters/state` (both rows, the link in use), `rows` (owner and stage by both rows), `current_link`,
`privileges` (what each account may do and why).
Never: acts on an application's table, lets an attempt of an older epoch act late.
"""
