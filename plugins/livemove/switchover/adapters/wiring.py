"""A switchover's parts for one service: databases, servers, DMS, stored code and the final check."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from livemove.comparison.adapters.both_sides import incomparable, read_shapes
from livemove.comparison.adapters.changed_keys import since_compared
from livemove.comparison.adapters.final_check import FinalComparison
from livemove.comparison.adapters.lob_copy import LobCopier
from livemove.control.adapters.control_row import Control, kept_version, version
from livemove.control.adapters.setup import (
    copy_application_accounts,
    delete_credentials,
    drop_accounts,
    ensure_applier,
    ensure_reader,
    ensure_watcher,
    has_schema,
    install,
    keep_binlogs,
)
from livemove.control.adapters.state import target_exists
from livemove.model.errors import RefusedError, SetupError, UnreachableError
from livemove.model.ledger import ApplicationCode, Definitions, SwitchoverPlan, TableComparison
from livemove.model.ledger import StoredCode as StoredCodeDocument
from livemove.model.ports import ControlState, Json, Ledger, Link, Outcome
from livemove.model.spec import Side
from livemove.provisioning import rds_maintenance as upkeep
from livemove.replication.adapters.replicator import replicator_of
from livemove.runtime.mariadb import MariaDb, sql
from livemove.schema import ddl_digests as definitions
from livemove.schema.adapters.copy_schema import list_tables, raise_auto_increment
from livemove.schema.adapters.ddl_watch import read_digests
from livemove.schema.adapters.lob_helpers import help_follower, stop_helping
from livemove.schema.adapters.stored_code import code_of, create_code, drop_triggers
from livemove.servers.adapters.servers import Servers
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.guards import expected_pause, refusals
from livemove.switchover.protocol import Switchover
from livemove.switchover.steps import Dependencies

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
TEST_SECONDS = 600
"""For the connection test of DMS the account is open at most this long; it is locked again right after."""


@contextmanager
def build_dependencies(world: ServiceContext) -> Iterator[Dependencies]:
    """Everything connected when first used, and closed at the end."""
    schemas = world.spec.source.schemas
    with ExitStack() as stack:
        databases = {
            side: stack.enter_context(world.database(side, timeout=5, read_timeout=60)) for side in Side
        }
        controls = {side: Control(db) for side, db in databases.items()}
        for control in controls.values():
            stack.callback(control.close_connection)

        def tables() -> list[str]:
            return [f"{t['schema']}.{t['name']}" for t in list_tables(databases[Side.SOURCE], schemas)]

        proof = FinalCheck(databases, controls, tables, schemas, world.ledger, stack)
        yield Dependencies(
            service=world.spec.service,
            control=controls,
            servers=Servers.of(world),
            replicator=replicator_of(world),
            code=StoredCode(databases, controls, world.ledger, schemas),
            proof=proof,
            tables=tables,
            ledger=world.ledger,
            clock=world.clock,
            settings=world.spec.switchover,
            upkeep=lambda: upkeep_of(world),
        )


def upkeep_of(world: ServiceContext) -> list[str]:
    """RDS backups and maintenance that are in the way; that they cannot be read is a reason as well."""
    from botocore.exceptions import BotoCoreError, ClientError

    name = world.outputs.database_identifier
    try:
        found = world.aws("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    except (BotoCoreError, ClientError) as e:
        return [f"RDS does not say whether a backup or maintenance of {name} runs: {e}"]
    return upkeep.due(found, world.spec.window, world.clock.now())


class FinalCheck:
    """The `FinalCheckPort`. It connects and reads shapes before the fence, where each millisecond counts."""

    def __init__(
        self,
        databases: Mapping[Side, MariaDb],
        controls: Mapping[Side, Control],
        tables: Callable[[], Sequence[str]],
        schemas: Sequence[str],
        ledger: Ledger,
        stack: ExitStack,
    ) -> None:
        self._databases, self._controls, self._ledger = databases, controls, ledger
        self._tables, self._schemas, self._stack = tables, schemas, stack
        self._ready: FinalComparison | None = None
        self._of: tuple[Side, int] | None = None

    def ready(self) -> None:
        """Again for each epoch: another owner's binlog tells what changed since other comparisons."""
        rows = [control.read() for control in self._controls.values()]
        owner = next((r for r in rows if r.state in (ControlState.OPEN, ControlState.FENCED)), rows[0])
        if self._ready is not None and self._of == (owner.side, owner.epoch):
            return
        tables = self._tables()
        found = {name: self._ledger.load(TableComparison, epoch=owner.epoch, table=name) for name in tables}
        s, t = self._databases[Side.SOURCE], self._databases[Side.TARGET]
        copier = LobCopier(self._databases[owner.side], self._controls[owner.side.other], owner.epoch)
        proof = FinalComparison(s, t, tables, owner=owner.side, since=since_compared(found), copier=copier)
        self._ready, self._of = self._stack.enter_context(proof), (owner.side, owner.epoch)

    def definitions(self, side: Side) -> dict[str, str]:
        return {
            name: shape.digest for name, shape in read_shapes(self._databases[side], self._tables()).items()
        }

    def unlike(self, owner: Side) -> list[str]:
        ours, theirs = self._databases[owner], self._databases[owner.other]
        tables = [f"{t['schema']}.{t['name']}" for t in list_tables(ours, self._schemas)]
        here, there = read_shapes(ours, tables), read_shapes(theirs, tables)
        sides = (str(owner), str(owner.other))
        found = {name: incomparable(name, here, there, sides) for name in tables}
        return [f"{name} cannot follow: {why}" for name, why in found.items() if why]

    def differences(self, seconds: float) -> list[str]:
        if self._ready is None:
            self.ready()
        assert self._ready is not None
        return self._ready.run(seconds)

    def covered(self) -> str:
        return self._ready.message() if self._ready else ""


class StoredCode:
    """The SchemaCode port: triggers and events of the application, kept in the ledger while they are off.

    The code that the next owner gets is what it had itself when it last owned, as the ledger has it; the
    first time it is what the old owner has now. Both are read before the fence.
    """

    def __init__(
        self,
        databases: Mapping[Side, MariaDb],
        controls: Mapping[Side, Control],
        ledger: Ledger,
        schemas: Sequence[str],
    ) -> None:
        self._databases, self._controls, self._ledger, self._schemas = databases, controls, ledger, schemas
        self._code: dict[Side, ApplicationCode] = {}

    def ready(self, owner: Side) -> None:
        self._code[owner] = self._find(owner)
        for db in self._databases.values():
            with suppress(UnreachableError):
                db.connection()

    def _find(self, owner: Side) -> ApplicationCode:
        own = self._ledger.load(StoredCodeDocument, side=owner)
        if own is not None:
            return own
        try:
            return code_of(self._databases[owner.other], self._schemas)
        except UnreachableError:
            return self._ledger.load(StoredCodeDocument, side=owner.other) or ApplicationCode()

    def wake(self, owner: Side, follower: Side | None) -> None:
        if owner not in self._code:
            self.ready(owner)
        db = self._controls[owner].holding
        # from what this database itself has kept: nobody else is asked
        stop_helping(db, self._schemas)
        if follower is not None:
            for line in raise_auto_increment(self._databases[follower], db, self._schemas):
                log.info("raised %s", line)
        create_code(db, self._code[owner])

    def events_to_wake(self, owner: Side) -> list[Json]:
        if owner not in self._code:
            self.ready(owner)
        return [
            {"event_schema": e.schema_name, "event_name": e.name, "definer": ""}
            for e in self._code[owner].events
            if e.status == "ENABLED"
        ]

    def awake(self, side: Side) -> list[str]:
        db, args = self._databases[side], {"schemas": tuple(self._schemas)}
        triggers = [f"trigger {o['schema']}.{o['name']}" for o in db.rows(sql("schema/list_triggers"), args)]
        return triggers + [
            f"event {o['schema']}.{o['name']}"
            for o in db.rows(sql("schema/list_events"), args)
            if o["status"] == "ENABLED"
        ]

    def changed(self, owner: Side) -> list[str]:
        kept = self._ledger.load(Definitions, side=owner)
        if kept is None:
            return []
        return definitions.changes(kept.objects, read_digests(self._databases[owner], self._schemas))

    def sleep(self, follower: Side) -> None:
        db = self._controls[follower].holding
        code = code_of(db, self._schemas)
        if not code.triggers and self._ledger.load(StoredCodeDocument, side=follower):
            self.help(follower)
            return  # dropped before; what was kept then stays
        awake = {(e["event_schema"], e["event_name"]) for e in self._controls[follower].sleeping_events()}
        events = [e.model_copy(update={"status": "ENABLED"}) if e.place in awake else e for e in code.events]
        self._ledger.save(StoredCodeDocument(side=follower, triggers=code.triggers, events=events))
        log.info(
            "dropped on the %s: %s", follower, ", ".join(drop_triggers(db, self._schemas)) or "no trigger"
        )
        self.help(follower)

    def help(self, follower: Side) -> None:
        help_follower(self._controls[follower].holding, self._schemas)


def prepare_return(world: ServiceContext, parts: Dependencies) -> Json:
    """Account, endpoints and task of the next epoch, tested; then the pause that a move would take now."""
    now = return_path.owner_and_follower(parts)
    if now is None or now.other.state is not ControlState.FOLLOW:
        raise RefusedError(
            "Reverse replication cannot be prepared: no database is open with the other one following it",
            wanted="OPEN@e on one side, FOLLOW@e on the other",
            next_step="clear the switchover or return_path that was interrupted, then this task",
        )
    owner, other = now.owner.side, now.other.side
    link = Link(world.spec.service, now.epoch + 1, other)
    with world.database(owner) as owner_db, world.database(other) as other_db:
        applier = ensure_applier(world, owner_db, link.epoch)
        reader = ensure_reader(world, other_db)
        left = copy_application_accounts(owner_db, other_db, world.spec.source.accounts)
    if left:
        raise SetupError(
            f"These rights of the application cannot be given on the {other}: {'; '.join(left)}",
            next_step=(
                "grant what the application needs by hand, or take it away on the other side; then clear this"
                " task"
            ),
        )
    control = parts.control[owner]
    _granted(control.allow_test(now.epoch, TEST_SECONDS))
    try:
        replicator_of(world).prepare(link, full_load=False, reader=reader, applier=applier)
    finally:
        control.allow_test(now.epoch, 0)
    plan = Switchover(parts, other, "plan", guards=refusals).dry_run(now.epoch)
    parts.ledger.save(SwitchoverPlan(epoch=link.epoch, steps=plan))
    expected = expected_pause(parts, other)
    parts.ledger.save(expected)
    return {"task": link.name, **expected.stored()}


def _granted(out: Outcome) -> None:
    if not out.done:
        raise RefusedError(
            f"The replicator's account could not be opened for its test: {out.answered},"
            f" {out.state}@{out.epoch}",
            next_step="clear this task",
        )


def prepare_control(world: ServiceContext) -> Json:
    """Control objects and accounts on both databases; what is there already stays."""
    spec = world.spec
    with world.database(Side.SOURCE) as source, world.database(Side.TARGET) as target:
        refuse_a_rebuilt_source(source, target)
        installed = {}
        for db in (source, target):
            installed[str(db.side)] = install(db, spec.source.accounts, spec.source.schemas)
            ensure_reader(world, db)
            ensure_watcher(world, db)
        keep_binlogs(target)
        later = copy_application_accounts(source, target, spec.source.accounts)
        for db in (source, target):
            control = Control(db)
            row = control.read()
            if row.state is ControlState.FOLLOW:
                ensure_applier(world, db, row.epoch)
            control.settle()
            control.close_connection()
    for line in later:
        log.warning("not granted yet, tried again by prepare_return: %s", line)
    return {"installed": installed, "version": version(), "granted_later": later}


def refuse_a_rebuilt_source(source: MariaDb, target: MariaDb) -> None:
    """Refuse a new source, which would be OPEN@1, beside a target that has ever been the owner."""
    if has_schema(source) or not has_schema(target):
        return
    control = Control(target)
    row = control.read()
    control.close_connection()
    if row.epoch > 1:
        raise RefusedError(
            f"{row}, and the source has no control row: a new one would open it beside the target",
            wanted="both rows as the last move left them, or none on either side",
            next_step=(
                "a rebuilt source begins a migration of its own, from RDS back to it; nothing was changed"
            ),
        )


def remove_control(world: ServiceContext, owner: Side = Side.TARGET) -> Json:
    """Remove livemove's schema and accounts; the application's stay open on the owner, locked on the other.

    RefusedError while `owner` is not the owner: then the rows still have to decide. The source may be
    silent or have been ended when the target owns; a target that was never made has nothing to remove.
    """
    gone: Json = {}
    with ExitStack() as stack:
        if owner is Side.TARGET or target_exists(world):
            target = stack.enter_context(world.database(Side.TARGET))
        else:
            target, gone["target"] = None, "was never made"
        source = stack.enter_context(world.database(Side.SOURCE))
        if owner is Side.SOURCE:
            refuse_after_a_move(world)
        decides = source if target is None or owner is Side.SOURCE else target
        _refuse_another_owner(decides)
        # the owner's row goes first on the way to the cloud, and last when the source stays: an interrupted
        # run finds it
        for db in (target, source):
            if db is not None:
                gone[str(db.side)] = _remove_if_it_answers(db, owner, world.spec.source.schemas)
    delete_credentials(world)
    return gone


def refuse_after_a_move(world: ServiceContext) -> None:
    """RefusedError after any switchover: servers, ledger and rows keep the epoch, which only grows."""
    sides = [Side.SOURCE, Side.TARGET] if target_exists(world) else [Side.SOURCE]
    for side in sides:
        with world.database(side) as db:
            if not has_schema(db) or kept_version(db) is None:
                continue
            control = Control(db)
            row = control.read()
            control.close_connection()
        if row.epoch > 1:
            raise RefusedError(
                f"{row}: the writes have moved before, so what was prepared is not taken down",
                wanted="epoch 1 on both sides: writes that never left the source",
                next_step=(
                    "nothing was taken down, the rollback itself is done. To stay for good: docs/runbook.md,"
                    " Giving up"
                ),
            )


def _refuse_another_owner(db: MariaDb) -> None:
    if not has_schema(db) or kept_version(db) is None:
        return
    control = Control(db)
    try:
        row = control.read()
        if row.state is not ControlState.OPEN:
            raise RefusedError(
                f"{row}: the control objects still decide who may write",
                wanted=f"the {db.side} OPEN",
                next_step="roll back or finish the move first",
            )
        control.settle()
    finally:
        control.close_connection()


def _remove_if_it_answers(db: MariaDb, owner: Side, schemas: Sequence[str]) -> str:
    try:
        return _remove(db, schemas)
    except UnreachableError as e:
        if owner is db.side:
            raise
        log.warning("the %s keeps its control objects, it does not answer: %s", db.side, e)
        return "does not answer"


def _remove(db: MariaDb, schemas: Sequence[str]) -> str:
    """On a side that is not the owner, locked accounts and read_only keep the application out."""
    stop_helping(db, schemas)
    drop_accounts(db)
    db.run("DROP SCHEMA IF EXISTS livemove")
    return "removed"
