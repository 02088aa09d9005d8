"""The shape of the report's JSON, published as include/schema/report.schema.json (`make schema`).

Times are ISO 8601 in UTC, durations seconds unless the name says ms. What the ledger does not know is null
and never zero. Objects of the ledger that only pass through are plain objects here.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from livemove.history import RestsOn, SwitchoverStage
from livemove.model.ledger import (
    AttemptResult,
    Breach,
    Event,
    FinalDump,
    Finding,
    NameServer,
    Promotion,
    RecordChange,
    StepTaken,
    TableStates,
    TerraformPlan,
    TrialPart,
    WayBack,
)
from livemove.model.ports import Json
from livemove.model.spec import Side

VERSION = "1"
"""Version of this shape; grows when a field is renamed, removed or changed, not when one is added."""


class Outcome(StrEnum):
    """The state of the migration, by the ledger."""

    MOVED = "moved"
    ROLLED_BACK = "rolled_back"
    GIVEN_UP = "given_up"
    PROMOTED = "promoted"
    NOT_MOVED = "not_moved"
    UNFINISHED = "unfinished"


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Interval(Part):
    """From `since` to `until` this side might write."""

    since: str | None = Field(description="null: before anything that the ledger knows")
    until: str | None = Field(description="the moment of the report, for the last one")
    seconds: float | None
    owner: Side | None = Field(description="null: nobody, behind a fence or between commit and opening")
    epoch: int
    why: str = Field(description="what began this interval")
    certain: bool = Field(
        description="false: an attempt left no word of what it did, so this is only the most that is known"
    )


class Attempt(Part):
    """One attempt to move the writes, also one that was refused, undone or interrupted."""

    epoch: int = Field(description="the new owner's, had it gone through")
    to: Side
    result: AttemptResult
    started_at: str | None
    fenced_at: str | None
    committed_at: str | None
    opened_at: str | None
    lifted_at: str | None
    reason: str
    promoted: bool


class Move(Part):
    """A move of the writes that went through."""

    epoch: int
    from_: Side = Field(alias="from")
    to: Side
    started_at: str | None = None
    fenced_at: str | None = None
    opened_at: str | None = None
    fenced_ms: int = Field(description="from the fence to the opening: nobody may write")
    proof: str | None = Field(
        None, description="what the comparison inside the fence covered, in its own words"
    )
    held: str | None = Field(
        None, description="servers that let requests wait meanwhile, in the step's own words"
    )
    steps: list[StepTaken] = Field(default_factory=list, description="number, name, ms, what was seen")
    requests: int | None = Field(
        None, description="that all servers answered from before the move to after it"
    )
    errors: int | None = Field(None, description="of these, answered with 500 or above")
    over_seconds: float | None = Field(None, description="the time in which these were counted")
    not_counted: list[str] = Field(default_factory=list, description="servers whose counters did not tell")
    servers_left_behind: list[str] = []


class Decision(Part):
    """What a person, or the spec for a person, decided."""

    gate: str
    subject: str | None = None
    task_id: str | None = None
    run_id: str | None = None
    asked_at: str | None = None
    answered_at: str | None = None
    ended_at: str | None = Field(None, description="answered or not; null: it waits")
    by: str | None = None
    option: str | None = Field(None, description="null: nobody answered")
    waited_seconds: float | None = Field(
        None, description="from the question to its answer, or to the end of waiting"
    )
    accepted_warnings: bool | None = None
    saw: list[str] = Field(
        default_factory=list, description="the evidence in short, as the question showed it"
    )
    sha256: str | None = Field(None, description="of what was approved; the acting task computes it again")
    question: str | None = Field(None, description="the exact question, Markdown")


class Wait(Part):
    """Time that a task waited for something."""

    task_id: str
    run_id: str | None
    since: str | None
    until: str | None
    seconds: float
    message: str


class Costs(Part):
    """What is paid by the hour, as durations; prices are not livemove's to know."""

    waited_for_people_seconds: float | None
    aws_since: str | None = Field(description="when Terraform had made the cloud side")
    aws_seconds: float | None = Field(description="until the report; it continues")
    replication_until: str | None = Field(
        description="when DMS was torn down; null: it still exists, or never did"
    )
    both_sides_seconds: float | None = Field(description="both sites existed and cost at the same time")


class Table(Part):
    """One table: loaded, and compared in the last epoch in which any was."""

    table: str
    rows_loaded: int | None
    epoch: int | None
    equal: bool | None = Field(description="null: not compared")
    rows_source: int | None = None
    rows_target: int | None = None
    checked_at: str | None = None
    note: str = ""


class Users(Part):
    """What users met, as the servers counted it."""

    rate: float | None = Field(description="requests per second before the name moved")
    error_share: float | None = Field(description="of them failed, 0 to 1")
    drained_share: float | None = Field(
        description="of all requests that still reached the old site when it counted as empty"
    )
    breach: Breach | None = Field(description="what broke the budget while both sites served")


class FailedTask(Part):
    """A task whose failure ordered a rollback."""

    task_id: str
    error: str
    found: str


class Rollback(Part):
    """The last rollback, and who or what ordered it."""

    by: str | None
    gate: str
    time: str
    failed: list[FailedTask]
    message: str


class Failure(Part):
    """What a task failed with for good, when the report was written because of it."""

    task_id: str
    error: str
    found: str
    time: str | None = None
    run_id: str | None = None


class Report(Part):
    """Everything that the ledger knows of one service's migration."""

    schema_version: str = VERSION
    service: str
    title: str
    made_at: str
    outcome: Outcome
    owner: Side | None = Field(description="null: no database is the owner, or it is unknown")
    certain: bool = Field(description="false: `owner` is only the most that is known")
    stage: SwitchoverStage
    rests_on: RestsOn = Field(description="what `owner` rests on; rows that could be read decide")
    epoch: int
    summary: list[str] = Field(min_length=5, max_length=5)
    failure: Failure | None
    standing: dict[str, str] | None = Field(
        description="both control rows when the report was made, or why there is none"
    )
    ownership: list[Interval]
    attempts: list[Attempt]
    moves: list[Move]
    decisions: list[Decision]
    waits: list[Wait]
    costs: Costs
    users: Users
    versions: dict[str, str | None]
    rows_copied: int | None
    full_load_seconds: float | None
    tables: list[Table]
    tables_compared: int | None
    tables_equal: int | None
    objects: dict[str, int] | None = Field(
        description="objects on the source by kind, when both schemas were the same"
    )
    definers: list[str] = Field(description="who defines stored code on the target instead of whom")
    dms_validation: TableStates | None
    findings: list[Finding]
    trial: list[TrialPart] = Field(description="what was tried on scratch objects; empty: no trial")
    propagation: list[NameServer]
    dns: RecordChange | None
    plan: TerraformPlan | None
    way_back: WayBack | None
    way_back_closed_at: str | None = Field(
        description="since when the source misses writes; null: it follows"
    )
    final_dump: FinalDump | None
    promotion: Promotion | None
    rollback: Rollback | None
    unreadable: list[str] = Field(
        default_factory=list, description="documents and events of the ledger that were left out, and why"
    )
    events: list[SerializeAsAny[Event]]


def schema() -> Json:
    """JSON Schema, draft 2020-12, of what `as_json` gives."""
    found = Report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def as_json(report: Report) -> Json:
    return report.model_dump(mode="json", by_alias=True)
