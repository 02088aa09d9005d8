"""While both sites serve: the baseline, the steps of the shift, and the watch until the switchover.

The looks of this file act: they move the record on by a step, and put it back on a breach. Each reads the
record first, so a second triggerer, or a retry, finds what was done.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from livemove.dns import record
from livemove.dns.adapters.breach import breach_error, refuse_after_breach
from livemove.dns.adapters.public_record import commit, live_record, new_addresses, original, share_now
from livemove.dns.adapters.zone_link import ZoneLink
from livemove.dns.record import Change
from livemove.model.approvals import PROCEED
from livemove.model.errors import RefusedError, StaleApprovalError
from livemove.model.formatting import duration, percent
from livemove.model.ledger import (
    Approval,
    Baseline,
    Breach,
    RecordShifted,
    Shifted,
    WatchLook,
    moment,
)
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.time_series import recent
from livemove.model.window import closed
from livemove.runtime.notifications import SpecNotifier
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import WatchingSensor
from livemove.traffic import watch
from livemove.traffic.adapters.site_watch import observe, react, sites

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


MOVED = "The writes have moved already: both sites need no watch"


def look_at_baseline(world: ServiceContext, state: Json) -> PollResult:
    samples = [*state.get("samples", ()), observe(world)]
    span, wanted = samples[-1]["at"] - samples[0]["at"], world.spec.watch.baseline
    if span and span >= wanted:
        before = watch.baseline(samples, sites(world))
        world.ledger.save(before)
        text = f"{before.rate} requests/s, {percent(before.errors or 0, 2)} failed"
        return PollResult(True, f"Normal, over {duration(span)}: {text}", before.stored())
    message = (
        f"Both sites are watched to know what is normal, {duration(span)} of {duration(wanted)}; then you are"
        " asked"
    )
    return PollResult(
        False, message, {"samples": samples}, again_in=min(world.spec.watch.poll, max(0.5, wanted - span))
    )


class BaselineSensor(WatchingSensor):
    """Watches both sites as they are before the name moves; what comes later is measured against it."""

    look = f"{__name__}.look_at_baseline"

    def finish(self, world: ServiceContext, state: Json) -> Json:
        return state


def look_at_shift(world: ServiceContext, state: Json) -> PollResult:
    """One look at both sites at the present share; the next step when it was clean."""
    if state.get("moved"):
        return PollResult(True, MOVED, {})
    refuse_after_breach(world, "target")
    share = _share(world)
    sample = observe(world)
    samples = [*state["samples"], sample] if state.get("share") == share else [sample]
    verdict = _judge(world, samples)
    kept = {"share": share, "samples": samples}
    if verdict.breach:
        return PollResult(True, "; ".join(verdict.breach), {"breach": react(world, verdict, share).stored()})
    message = f"{share} % of the answers give the cloud; {verdict.message}"
    if not verdict.clean:
        return PollResult(False, message, kept, again_in=world.spec.watch.poll)
    left = [s for s in world.spec.dns.steps if s > share]
    if not left:
        return PollResult(True, f"{message}; clean", {"share": share, "watched": verdict.message})
    if reason := closed(world.spec.window, world.clock.now()):
        return PollResult(
            False, f"{message}; clean. {reason}; the next step is {left[0]} %", kept, again_in=60
        )
    _step(world, left[0])
    return PollResult(False, f"{message}; clean. Now {left[0]} %", {}, again_in=world.spec.watch.poll)


def _step(world: ServiceContext, percent: int) -> None:
    approval = world.ledger.load(Approval, gate="switch_dns")
    if approval is None or approval.option != PROCEED:
        raise RefusedError(
            f"The approval of the shift was withdrawn; it stops before {percent} %",
            wanted="Proceed at switch_dns.ask",
            next_step="clear switch_dns.ask with downstream and answer again",
        )
    live = live_record(world)
    after = record.at_share(percent, original(world), new_addresses(world), record.ttl(live))
    commit(world, Change(live, after, world.spec.dns.steps), RecordShifted)


def _share(world: ServiceContext) -> int:
    share = share_now(world)
    if share is None:
        raise StaleApprovalError(
            f"{world.spec.dns.name} is {record.text(live_record(world))}, which livemove did not set",
            wanted="the record of one of the steps",
            next_step="find out who changed it; then clear switch_dns.ask with downstream",
        )
    return share


def _judge(world: ServiceContext, samples: list[Json]) -> watch.WatchResult:
    before = world.ledger.load(Baseline) or Baseline()
    limit = world.spec.replication.max_lag
    verdict = watch.judge(samples, sites(world), before, world.spec.watch, limit)
    world.ledger.save(
        WatchLook(breach=list(verdict.breach), message=verdict.message, at=world.clock.now().isoformat())
    )
    return verdict


class _Watching(WatchingSensor):
    """A look that ended with a breach fails the task for good: a retry would only begin to watch again."""

    failure_is = "breach"

    def begin(self, world: ServiceContext) -> Json:
        from livemove.control.adapters.state import owner

        try:
            moved = owner(world) is Side.TARGET
        except RefusedError:
            moved = True  # committed, and not open yet
        return {"since": world.clock.now().isoformat(), "moved": moved}

    def finish(self, world: ServiceContext, state: Json) -> Json:
        if found := state.get("breach"):
            error = breach_error(Breach.model_validate(found))
            raise AirflowFailException(str(error)) from error
        return state


class ShiftSensor(_Watching):
    """Holds each step of dns.steps until its samples are clean, then takes the next; a breach ends it."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    look = f"{__name__}.look_at_shift"

    def finish(self, world: ServiceContext, state: Json) -> Json:
        kept = super().finish(world, state)
        if kept:
            world.ledger.note(Shifted.model_validate(kept))
        return kept


def look_at_both_sites(world: ServiceContext, state: Json) -> PollResult:
    """As the shift, over the last `watch.hold` seconds, until the switchover's answer or the name is back."""
    if state.get("moved"):
        return PollResult(True, MOVED, {})
    share = share_now(world)
    answer = world.ledger.load(Approval, gate="switchover")
    answered = answer.at if answer and answer.option else None
    if share == 0 or (answered and moment(answered) > moment(state["since"])):
        return PollResult(True, "Both sites need no watch any more", {})
    window = max(world.spec.watch.hold, 2 * world.spec.watch.poll)
    samples = recent([*state.get("samples", ()), observe(world)], window, itemgetter("at"))
    verdict = _judge(world, samples)
    kept = {**state, "samples": samples}
    trouble = "; ".join(verdict.breach) if share is not None else ""
    if trouble and share is not None and not state.get("breached"):
        return PollResult(True, trouble, {**kept, "breach": react(world, verdict, share).stored()})
    message = "Both sites are watched until the writes move" + (f"; still: {trouble}" if trouble else "")
    return PollResult(False, message, {**kept, "breached": bool(trouble)}, again_in=world.spec.watch.poll)


class WatchSensor(_Watching):
    """Watches users' errors, latency, health, lag and load while both sites serve, until the switchover.

    A breach that does not go back by itself is told, and shown at the question about the writes; a person
    decides there, so the watch continues.
    """

    look = f"{__name__}.look_at_both_sites"

    def goes_on(self, context: Any, world: ServiceContext, state: Json) -> Json | None:
        found = Breach.model_validate(state["breach"]) if state.get("breach") else None
        if not found or found.restored_at:
            return None
        error = breach_error(found)
        self.log.warning("%s", error)
        SpecNotifier(service=self.service, moment="breach")({**context, "exception": error})
        return {**{k: v for k, v in state.items() if k != "breach"}, "breached": True}

    def limit(self, world: ServiceContext) -> float:
        spec = world.spec
        return spec.dns.propagation_timeout + spec.drain.timeout + spec.gates.timeout
