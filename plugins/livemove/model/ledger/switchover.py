"""Documents and events of the switchover, the reverse replication after it, rollback and promotion."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, Field

from livemove.model.ledger.base import Document, Event, Part, Time
from livemove.model.spec import Side


class StepTaken(Part):
    """One step of the protocol, as it went."""

    step: int
    name: str
    ms: int
    seen: str = ""


class AttemptResult(StrEnum):
    """How one attempt to move the writes ended."""

    MOVED = "moved"
    ABORTED = "aborted"
    """Undone before its commit."""
    INCOMPLETE = "incomplete"
    """Committed; the rest is a retry's."""
    REFUSED = "refused"
    """A guard said no before anything was touched."""
    UNKNOWN = "unknown"
    """The commit was sent, and neither it nor the row was answered."""
    INTERRUPTED = "interrupted"
    """Killed, or it lost the ledger: nobody noted its end."""


class AttemptFacts(Part):
    """What the record of an attempt and the event of its end both keep."""

    epoch: int
    """The epoch that begins with it."""
    from_: Side = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    to: Side
    attempt: str = ""
    started_at: Time | None = None
    fenced_at: Time | None = None
    committed_at: Time | None = None
    opened_at: Time | None = None
    lifted_at: Time | None = None
    result: AttemptResult | None = None
    """None while it is under way."""
    reason: str | None = None


class SwitchoverRecord(AttemptFacts, Document):
    """The newest attempt of this epoch that changed something."""

    NAME: ClassVar[str] = "switchover/{epoch}"
    steps: list[StepTaken] = []
    drained: str | None = None
    """Binlog position of the old owner inside the fence."""
    position: str | None = None
    """Binlog position of the new owner at which the reverse replication begins."""
    servers_left_behind: list[str] = []
    fenced_ms: int | None = None
    """How long nobody could write; None when the fence did not end by a move."""


class SwitchoverPlan(Document):
    """The dry run: every step as it would be done."""

    NAME: ClassVar[str] = "switchover/plan"
    ONLY_SHOWN: ClassVar[bool] = True
    epoch: int
    steps: list[str] = []


class _Pause(Document):
    ms: int
    """Between hold and release."""
    watermark_ms: list[int] = []
    database_ms: int | None = None
    servers_ms: int | None = None
    probe_ms: int | None = None
    not_armed: dict[str, str] = {}
    """Why, by server."""
    budget_ms: int | None = None
    measured_at: Time | None = None


class ExpectedPause(_Pause):
    """The write pause that a switchover would take, as measured last."""

    NAME: ClassVar[str] = "expected_pause"
    ONLY_SHOWN: ClassVar[bool] = True


class RequestsAround(Document):
    """What users met around this switchover, by the servers' own counters."""

    NAME: ClassVar[str] = "users/{epoch}"
    ONLY_SHOWN: ClassVar[bool] = True
    epoch: int
    requests: int
    errors: int | None = None
    """None where a server does not tell."""
    not_counted: list[str] = []
    seconds: float = 0.0


class ReturnPath(Document):
    """The reverse replication of this epoch, when its first row arrived."""

    NAME: ClassVar[str] = "return_path/{epoch}"
    epoch: int
    reads: Side
    writes: Side
    task: str = ""
    position: str = ""
    watermark_ms: int | None = None
    running_since: Time | None = None


class WayBack(Document):
    """Whether a rollback loses nothing, and until when, as seen last."""

    NAME: ClassVar[str] = "way_back"
    ONLY_SHOWN: ClassVar[bool] = True
    epoch: int
    reads: Side | None = None
    writes: Side | None = None
    task: str = ""
    state: str
    """Of the replication task."""
    words: str = ""
    """DMS's, when it does not run."""
    lag_ms: int | None = None
    current_at: Time | None = None
    """When the follower last had everything."""
    keeps_seconds: float | None = None
    """How long the owner keeps its binlogs; None: for ever."""
    until: Time | None = None
    needs: str = ""
    """The position from which the task must still be able to read."""
    losses: list[str] = []
    """Why a rollback would lose writes."""
    checked_at: Time | None = None
    message: str = ""


class Soak(Document):
    """How much of the soak counts."""

    NAME: ClassVar[str] = "soak"
    ONLY_SHOWN: ClassVar[bool] = True
    epoch: int
    counted: float
    """Seconds."""
    at: Time
    current: bool
    """Whether the follower had everything at that look."""
    of: float | None = None
    """Seconds that are wanted."""


class LossBound(Part):
    """What may be missing on a database that is made the owner without the other's word."""

    last_watermark: Time | None = None
    """When the newest row that arrived was written."""
    nothing_since_seconds: float | None = None
    task: str = ""
    replicator: str = ""
    """State of the replication task, in DMS's words."""
    undelivered: int | None = None
    """Row changes that DMS read and did not apply; None: it does not tell."""
    message: list[str] = []


class Promotion(LossBound, Document):
    """The target was made the owner without the source's word, and what may be missing."""

    NAME: ClassVar[str] = "promotion/{epoch}"
    epoch: int
    owner: Side
    token: str = ""
    move: SwitchoverRecord | None = None
    """None while it is under way."""
    servers_before_opening: str | None = None
    old_owner_came_back: str | None = None


class ControlPrepared(Event):
    """Control rows, procedures and accounts stand on both databases."""

    event: Literal["control_prepared"] = "control_prepared"
    installed: dict[str, Any] = {}
    procedures: str = ""
    """Version of the procedures."""
    granted_later: list[str] = []


class ControlRemoved(Event):
    """livemove's schema and accounts left the databases."""

    event: Literal["control_removed"] = "control_removed"
    source: str | None = None
    target: str | None = None


class SwitchoverBegan(Event):
    """An attempt to move the writes began."""

    event: Literal["switchover_began"] = "switchover_began"
    epoch: int
    from_: Side = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    to: Side
    attempt: str = ""


class SwitchoverEnded(AttemptFacts, Event):
    """An attempt to move the writes ended, and how."""

    event: Literal["switchover"] = "switchover"


class FenceLifted(Event):
    """A fence that somebody left behind was lifted."""

    event: Literal["fence_lifted"] = "fence_lifted"
    side: Side
    epoch: int
    attempt: str = ""
    fenced_at: Time | None = None
    lifted_at: Time


class PauseOverBudget(Event):
    """The database was closed to writes for longer than the budget."""

    event: Literal["pause_over_budget"] = "pause_over_budget"
    fenced_ms: int
    budget_ms: int


class ReturnPathRuns(Event):
    """The old owner follows the new one."""

    event: Literal["return_path"] = "return_path"
    epoch: int
    reads: Side
    writes: Side


class RollbackBegun(Event):
    """A rollback was ordered."""

    event: Literal["rollback_begun"] = "rollback_begun"
    gate: str
    """Where it was ordered, or by which task's failure."""
    by: str | None = None
    owner: str = ""
    writes: str = ""
    """What becomes of them, for people."""
    name: str = ""
    """What becomes of the public name, for people."""
    record: Any = None


class WritesRolledBack(Event):
    """The source is the owner again, or still."""

    event: Literal["rollback_writes"] = "rollback_writes"
    owner: str
    epoch: int
    message: str = ""
    although: list[str] = []
    """Reasons that would have refused the way forward."""


class GivenUp(Event):
    """A person gave the migration up."""

    event: Literal["given_up"] = "given_up"
    by: str | None = None


class PromotionAsked(LossBound, Event):
    """The question of the emergency."""

    event: Literal["promotion_asked"] = "promotion_asked"
    gate: str = "promote"


class PromotionAnswered(Event):
    """The answer to it."""

    event: Literal["promotion_answered"] = "promotion_answered"
    gate: str = "promote"
    option: str | None = None
    by: str | None = None


class Promoted(Event):
    """The target is the owner without the source's word."""

    event: Literal["promoted"] = "promoted"
    epoch: int
    owner: Side
    last_watermark: Time | None = None
