"""Every error that livemove raises on purpose.

LivemoveError
├── SpecError              the YAML of the service is wrong: file, line, nearest valid word
├── SetupError             a connection, program or permission is missing on this worker
├── UnreachableError       a host does not answer, or refuses the login
├── RefusedError           a guard said no before anything was changed
│   └── StaleApprovalError    what was approved is not what is there now
├── InfraError             Terraform failed; carries its own diagnostics
├── ReplicationError       DMS stopped, failed or lost a table; carries DMS's own words
├── SchemaError            an object could not be carried to the other database
├── DnsError               the record or a name server is not as the spec says
└── SwitchoverError        always names the owner and whether anything changed
    ├── SwitchoverAborted      before the commit: undone, the old owner serves
    ├── SwitchoverIncomplete   after the commit: retry the same task, it continues
    └── ManualInterventionRequired       both databases cannot be read together; nothing was changed
"""

from __future__ import annotations


class LivemoveError(Exception):
    """What was found, what was wanted, what to do next: three sentences, in this order."""

    def __init__(self, found: str, *, wanted: str = "", next_step: str = "") -> None:
        self.found, self.wanted, self.next_step = found, wanted, next_step
        parts = [found]
        if wanted:
            parts.append(f"Wanted: {wanted}")
        if next_step:
            parts.append(f"Next: {next_step}")
        super().__init__(" ".join(p if p.endswith((".", "!", "?")) else p + "." for p in parts))


class SpecError(LivemoveError):
    """The spec file is wrong; the message names file and line."""


class SetupError(LivemoveError):
    """Something this worker needs is missing: a connection, a program, a permission."""


class UnreachableError(LivemoveError):
    """A host did not answer in time, or did not accept the login."""


class RefusedError(LivemoveError):
    """A guard refused before anything was changed."""


class StaleApprovalError(RefusedError):
    """The thing that a person approved is not the thing that is there now."""


class InfraError(LivemoveError):
    """Terraform failed; the message carries its diagnostics."""


class ReplicationError(LivemoveError):
    """DMS failed, stopped, or suspended a table; the message quotes DMS."""


class SchemaError(LivemoveError):
    """A schema object could not be read, created or brought to parity."""


class DnsError(LivemoveError):
    """A record, zone or name server is not as the spec says."""


class SwitchoverError(LivemoveError):
    """Raised inside a switchover; names the owner and whether anything was changed."""

    def __init__(
        self, found: str, *, owner: str, changed: bool, wanted: str = "", next_step: str = ""
    ) -> None:
        self.owner, self.changed = owner, changed
        state = f"{owner} is the owner; " + ("the move is under way" if changed else "nothing was changed")
        super().__init__(f"{found.rstrip('.')}. {state}.", wanted=wanted, next_step=next_step)


class SwitchoverAborted(SwitchoverError):
    """Before the commit: everything was undone and the old owner serves again."""


class SwitchoverIncomplete(SwitchoverError):
    """After the commit: only forward; a retry of the same task completes the move."""


class ManualInterventionRequired(SwitchoverError):
    """The two databases do not give one picture; nothing was changed."""
