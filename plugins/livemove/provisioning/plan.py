"""What a Terraform plan would do, read from `terraform show -json`: addresses and actions, never values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from livemove.model.ports import Json, PlanSummary
from livemove.model.spec import Window

NEVER_REMOVED = ("aws_db_instance",)
"""Types whose loss is the loss of the service's data; the teardown does not touch them either."""


def summary(digest: str, shown: Json) -> PlanSummary:
    """The plan's resource changes without no-ops and reads; a delete with a create is a replace.

    Of what changed outside Terraform, only what is gone or what this plan would change back counts: after
    every apply Terraform also lists resources in which AWS merely filled in an empty value.
    """
    changes = []
    for change in shown.get("resource_changes", []):
        actions = change["change"]["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        changes.append(("replace" if len(actions) > 1 else actions[0], change["address"]))
    touched = {address for _, address in changes}
    drift = tuple(
        sorted(
            d["address"]
            for d in shown.get("resource_drift", [])
            if d["change"]["actions"] == ["delete"] or d["address"] in touched
        )
    )
    return PlanSummary(digest, tuple(changes), drift)


def refusal(plan: PlanSummary) -> str | None:
    """Why this plan must not be applied, or None: it would delete or replace a database."""
    lost = [
        f"{action} {address}"
        for action, address in plan.changes
        if action in ("delete", "replace") and any(f"{t}." in address for t in NEVER_REMOVED)
    ]
    return f"The plan would {' and '.join(lost)}" if lost else None


def markdown(plan: PlanSummary) -> str:
    """The plan as a person reads it before saying yes."""
    if not plan.changes:
        return f"No changes: AWS is as the spec says (plan `{plan.digest[:12]}`)."
    counts = ", ".join(f"{n} to {action}" for action, n in plan.counts.items())
    lines = [f"**{counts}** (plan `{plan.digest[:12]}`)", "", "| action | resource |", "|---|---|"]
    lines += [f"| {action} | `{address}` |" for action, address in plan.changes]
    if plan.drift:
        lines += ["", "Changed outside Terraform: " + ", ".join(f"`{d}`" for d in plan.drift)]
    return "\n".join(lines)


def rds_windows(window: Window, now: datetime) -> tuple[str, str]:
    """Daily backup and weekly maintenance windows in UTC for RDS and DMS, before the low-traffic window.

    A backup that ended an hour and a half before the window opens is also the freshest one to fall back on.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html#USER_WorkingWithAutomatedBackups.BackupWindow
    """
    opens = datetime.combine(now.astimezone(window.zone).date(), window.opens, tzinfo=window.zone)
    backup = opens.astimezone(UTC) - timedelta(hours=2)
    care = backup - timedelta(hours=2)
    # the day is fixed, so that planning again tomorrow changes nothing
    care_ends = care + timedelta(hours=1)
    return (
        f"{backup:%H:%M}-{backup + timedelta(minutes=30):%H:%M}",
        f"sun:{care:%H:%M}-{'mon' if care_ends.date() > care.date() else 'sun'}:{care_ends:%H:%M}",
    )
