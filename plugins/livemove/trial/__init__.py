"""The trial: what only the account itself can tell, found out on scratch tables and scratch names.

Promises: the application's schemas, its record and the settings that it reads are not touched; whatever is
made is removed, also after a failure; a part that is repeated begins afresh; AWS's answers are kept without
secrets.
Enter at: `operators` (the task group `trial`) or `adapters.parts` (the same parts for `livemove trial`).
Never: runs once the target is the owner; decides anything but whether the run may go on.
"""
