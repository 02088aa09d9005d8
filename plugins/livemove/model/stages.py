"""The one table of stages, questions and task titles for DAG, console, gates, report and runbook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """What a person is asked before a stage continues."""

    gate: str
    """Id in the ledger: `approvals/<gate>`."""
    title: str
    consequence: str
    """What Proceed leads to, in one sentence."""
    runbook: str
    """Anchor in docs/runbook.md."""


@dataclass(frozen=True)
class Stage:
    """One task group of the DAG."""

    id: str
    title: str
    purpose: str
    last_task: str
    """The task that ends it."""
    number: int | None = None
    question: Question | None = None

    @property
    def numbered(self) -> str:
        return f"{self.number} {self.title}" if self.number else self.title


STAGES = {
    s.id: s
    for s in (
        Stage("preflight", "Prepare", "What would go wrong, before anything changes", "checks", 1),
        Stage(
            "provision",
            "Provision",
            "Network, servers, RDS and DMS by Terraform; the application on them",
            "smoke",
            2,
        ),
        Stage(
            "trial",
            "Try the account",
            "Scratch tables, a scratch record and scratch settings go the way of the night",
            "judge",
        ),
        Stage(
            "replicate",
            "Replicate",
            "Schema, full load and CDC, one direction: data centre to RDS",
            "caught_up",
            3,
        ),
        Stage(
            "validate", "Validate", "Both sides are equal, table by table and object by object", "parity", 4
        ),
        Stage(
            "switch_dns",
            "Switch DNS",
            "The name moves; both sites serve, on the data centre's database",
            "drained",
            5,
            Question(
                "switch_dns",
                "Switch DNS?",
                "The name moves; the writes stay where they are.",
                "question-1-switch-dns",
            ),
        ),
        Stage(
            "switchover",
            "Switch over",
            "All servers move to RDS in one short, fenced switchover",
            "soak",
            6,
            Question(
                "switchover",
                "Switch over?",
                "One fenced switchover to RDS; its snapshot is taken.",
                "question-2-switch-over",
            ),
        ),
        Stage(
            "retire",
            "Retire",
            "A last dump is kept; then DMS and the old services end",
            "stop_idc",
            7,
            Question(
                "retire",
                "Retire the data centre?",
                "After this there is no rollback by a click.",
                "question-3-retire-the-data-centre",
            ),
        ),
        Stage(
            "rollback",
            "Roll back",
            "The writes, then the name, go back to the data centre; nothing is lost",
            "smoke",
            8,
        ),
        Stage("finish", "Finish", "What happened, for the people who slept", "report"),
    )
}
"""Task group -> stage, in the order of the story."""
GIVE_UP_STAGE = Stage(
    "give_up", "Give up", "What was prepared is taken down, if the form says so", "remove_trial"
)
"""Only in rollback_<service>."""
PROMOTION = Question(
    "promote",
    "Promote RDS?",
    "The source is gone; its last writes may be missing.",
    "emergency-promotion",
)
"""The question of the emergency, in a DAG of its own."""
QUESTIONS = {s.question.gate: s.question for s in STAGES.values() if s.question}
"""Gate -> its question, in the order of the story."""
GATES = tuple(QUESTIONS)

TITLES = {
    "settings": "Settings of this run",
    "checks": "Checks",
    "plan": "Terraform plan",
    "apply": "Terraform apply",
    "reachability": "Who reaches whom",
    "deploy": "Deploy the application",
    "smoke": "Smoke test",
    "databases": "Try both databases",
    "replication": "Replicate scratch tables",
    "servers": "Try the servers",
    "record": "Try a record",
    "remove_trial": "Remove the trial",
    "judge": "Judge the trial",
    "prepare_control": "Create control tables",
    "lower_ttl": "Lower the TTL",
    "carry_tables": "Carry tables",
    "prepare_task": "Create the DMS task",
    "start_load": "Start full load",
    "full_load": "Full load",
    "carry_indexes": "Carry indexes",
    "start_cached": "Apply cached changes",
    "cached_applied": "Cached changes applied",
    "carry_foreign_keys": "Carry foreign keys",
    "carry_code": "Carry views and routines",
    "start_cdc": "Start CDC",
    "caught_up": "CDC caught up",
    "tables": "List tables",
    "compare": "Compare tables",
    "table_states": "DMS table states",
    "parity": "Parity of objects",
    "ttl_elapsed": "Old TTL elapsed",
    "window": "Window is open",
    "keep_jobs": "Keep jobs where they run",
    "baseline": "Baseline of requests",
    "change_record": "Change the record",
    "shift": "Shift by weights",
    "watch": "Watch both sites",
    "in_sync": "Name servers in sync",
    "propagation": "Propagation",
    "drained": "Old site is drained",
    "prepare_return": "Prepare reverse replication",
    "snapshot": "Snapshot of RDS",
    "switch_over": "Switch over",
    "return_path": "Replicate back",
    "compare_back": "Compare the other way",
    "soak": "Soak",
    "final_dump": "Final dump",
    "restore_ttl": "Restore the TTL",
    "stop_replication": "Delete replication",
    "teardown_plan": "Plan without DMS",
    "teardown": "Apply without DMS",
    "remove_control": "Remove control tables",
    "stop_idc": "Stop the old services",
    "begin": "Begin to roll back",
    "asked": "Was giving up asked for",
    "automatic": "Roll back by itself",
    "writes": "Switch back",
    "name": "Change the name",
    "promote": "Promote RDS",
    "report": "Write the report",
}
"""Display name by task id without its stage; the questions have theirs in the table above."""
