"""The parts of the trial, each from its guard to its place in the ledger; and the end of it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from livemove.control.adapters.state import owner, target_exists
from livemove.dns.adapters.zones import zone_of
from livemove.model.errors import LivemoveError, RefusedError, UnreachableError
from livemove.model.ledger import Finding as Kept
from livemove.model.ledger import TrialPart
from livemove.model.ports import Finding
from livemove.model.spec import Side
from livemove.replication.adapters.replicator import trial_replicator_of
from livemove.replication.dms_rules import trial_links
from livemove.runtime.operator import NOTHING_TO_DO
from livemove.trial import judgement
from livemove.trial.adapters.databases import try_databases
from livemove.trial.adapters.record import name_of, remove_record, try_record
from livemove.trial.adapters.recorder import Recorder
from livemove.trial.adapters.refusals import as_livemove_error, as_refusals
from livemove.trial.adapters.replication import try_replication
from livemove.trial.adapters.scratch import SCHEMA, refuse_beside_another, scratch_of
from livemove.trial.adapters.servers import remove_everywhere, try_servers

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
Work = Callable[["ServiceContext"], tuple[list[Finding], dict[str, int]]]
TRIES: dict[str, Work] = dict(
    zip(judgement.PARTS, (try_databases, try_replication, try_servers, try_record), strict=True)
)


def try_part(world: ServiceContext, part: str) -> TrialPart:
    """One part, kept in the ledger with AWS's answers whatever becomes of it.

    Raises what stopped it; RefusedError when it went to its end and a finding is an error.
    """
    refuse_after_the_move(world)
    recorder = Recorder()
    recorder.listen(world)
    try:
        with as_refusals():
            findings, measured = TRIES[part](world)
    except Exception as e:
        # whatever it was: what an earlier trial found is no longer so
        _keep(world, part, recorder, [judgement.failed(part, as_livemove_error(e))], {})
        raise
    kept = _keep(world, part, recorder, findings, measured)
    for line in judgement.lines(findings, measured):
        log.info("%s", line)
    if bad := judgement.wrong(findings):
        raise RefusedError(
            "; ".join(f"{f.subject or f.check}: {f.measured}" for f in bad),
            wanted="; ".join(dict.fromkeys(f.limit for f in bad)),
            next_step="; ".join(dict.fromkeys(f.remedy for f in bad)),
        )
    return kept


def refuse_after_the_move(world: ServiceContext) -> None:
    if owner(world) is not Side.SOURCE:
        raise RefusedError(
            "The target is the owner: there is nothing left to try",
            wanted="a trial before the night",
            next_step=NOTHING_TO_DO,
        )


def _keep(
    world: ServiceContext,
    part: str,
    recorder: Recorder,
    findings: Sequence[Finding],
    measured: dict[str, int],
) -> TrialPart:
    address = world.ledger.put_file(f"trial/{part}.jsonl", recorder.content, "application/x-ndjson")
    kept = TrialPart(
        part=part,
        at=world.clock.now().isoformat(),
        findings=[_as_kept(f) for f in findings],
        measured=measured,
        answers=address,
    )
    world.ledger.save(kept)
    return kept


def _as_kept(finding: Finding) -> Kept:
    return Kept.model_validate(dataclasses.asdict(finding))


def remove(world: ServiceContext) -> list[str]:
    """Everything that a trial makes, wherever one ended; LivemoveError names what is still there.

    DMS's own tables in awsdms_control stay, as after every task of DMS.
    """
    if not target_exists(world):
        return ["nothing: without a target there was no trial"]
    try:
        refuse_beside_another(world)
    except UnreachableError as e:
        log.warning("what is elsewhere is removed nevertheless: %s", e)
    gone: list[str] = []
    left: list[str] = []

    def attempt(what: str, work: Callable[[], object]) -> None:
        try:
            with as_refusals():
                work()
        except Exception as e:
            log.warning("%s is still there", what, exc_info=not isinstance(e, LivemoveError))
            left.append(f"{what}: {as_livemove_error(e).found}")
        else:
            gone.append(what)

    for link in trial_links(world.spec.service):
        attempt(
            f"replication task {link.name}",
            lambda link=link: trial_replicator_of(world, SCHEMA).delete(link),  # type: ignore[misc]
        )
    for side in Side:
        attempt(
            f"schema {SCHEMA} and its accounts on the {side}",
            lambda side=side: _drop(world, side),  # type: ignore[misc]
        )
    if world.spec.dns.provider == "route53":
        name = name_of(world.spec.dns.name)
        attempt(f"record {name}", lambda: remove_record(zone_of(world), world.spec.dns.name))
    attempt("files of the trial on the servers", lambda: _remove_files(world))
    if left:
        raise LivemoveError(
            f"Not all of the trial could be removed: {'; '.join(left)}",
            wanted="nothing of it, neither at AWS nor on databases and servers",
            next_step="fix what is named, then clear this task: it may be repeated",
        )
    return gone


def _drop(world: ServiceContext, side: Side) -> None:
    with scratch_of(world) as scratch:
        scratch.drop((side,))


def _remove_files(world: ServiceContext) -> None:
    if still := remove_everywhere(world):
        raise UnreachableError("; ".join(still))


def judge(world: ServiceContext) -> list[str]:
    """The whole trial as lines; the expected pause goes to the gates. RefusedError when a part is missing."""
    parts = [p for p in world.ledger.load_all(TrialPart) if p.part in judgement.PARTS]
    if lacking := judgement.missing(parts):
        raise RefusedError(
            f"The trial lacks {', '.join(lacking)}",
            wanted="every part of it, to its end",
            next_step="clear those tasks of the trial",
        )
    measured = {k: v for p in parts for k, v in p.measured.items()}
    findings = [f for p in parts for f in p.findings]
    budget = world.spec.switchover.pause_budget
    at = world.clock.now().isoformat()
    if pause := judgement.expected_pause(measured, budget=budget, at=at):
        world.ledger.save(pause)
        findings.append(judged := _as_kept(judgement.of_pause(pause)))
        world.ledger.save(TrialPart(part="judge", at=at, findings=[judged]))
    return judgement.lines(findings, measured)
