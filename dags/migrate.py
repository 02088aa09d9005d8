"""One DAG for each service in include/migrations/: the story of a move, from top to bottom.

A live web service and its database leave a data centre for AWS while people use it. Three questions are asked
on the way, and each can be answered "Roll back". Clearing a gate with downstream asks it again, at any later
time.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from airflow.sdk import DAG, TriggerRule

from livemove.comparison.operators import CompareTableOperator, ListTablesOperator
from livemove.dag import (
    HOUR,
    RESUME_RETRIES,
    dag_defaults,
    doc,
    link_with_label,
    rollback_stage,
    served_from_aws,
    stage,
)
from livemove.dns.operators import (
    ChangeRecordOperator,
    LowerTtlOperator,
    RestoreTtlOperator,
)
from livemove.dns.sensors import InSyncSensor, OldTtlSensor, PropagationSensor
from livemove.model.approvals import PROCEED, ROLL_BACK
from livemove.model.errors import SpecError
from livemove.model.spec import MigrationSpec, Side, load_spec, spec_files
from livemove.model.stages import QUESTIONS, STAGES, TITLES
from livemove.preflight.operators import PreflightOperator, ShowSettingsOperator
from livemove.provisioning.operators import SnapshotOperator, TerraformApplyOperator, TerraformPlanOperator
from livemove.replication.operators import (
    DeleteReplicationOperator,
    PrepareReplicationOperator,
    StartReplicationOperator,
)
from livemove.replication.sensors import (
    CachedChangesSensor,
    FullLoadSensor,
    LagSensor,
    TableStatesSensor,
)
from livemove.reporting.operators.gate import MigrationGate
from livemove.reporting.operators.report import ReportOperator
from livemove.runtime.trigger_form import trigger_form
from livemove.schema.operators import CarrySchemaOperator, ParityOperator
from livemove.servers.operators.retire import FinalDumpOperator
from livemove.servers.operators.servers import (
    DeployOperator,
    KeepJobsOperator,
    ReachabilityOperator,
    SmokeOperator,
    StopServersOperator,
)
from livemove.switchover.operators.rollback import BeginRollbackOperator
from livemove.switchover.operators.switchover import (
    PrepareControlOperator,
    PrepareReturnOperator,
    RemoveControlOperator,
    ReturnPathOperator,
    SwitchoverOperator,
)
from livemove.switchover.sensors import SoakSensor, WindowSensor
from livemove.traffic.sensors.drain import DrainedSensor
from livemove.traffic.sensors.shift import BaselineSensor, ShiftSensor, WatchSensor
from livemove.trial.operators import JudgeTrialOperator, RemoveTrialOperator, TrialOperator


def migration(spec: MigrationSpec) -> DAG:
    """The DAG of one service."""
    of = {"service": spec.service}
    gate = partial(MigrationGate, task_id="ask", rollback="rollback.begin", **of)
    with DAG(
        dag_id=f"migrate_{spec.service}",
        dag_display_name=f"Move {spec.title} to AWS",
        description=f"{spec.dns.name} and its database leave the data centre while people use it",
        doc_md=doc("migrate"),
        params=trigger_form(spec),
        schedule=None,
        **dag_defaults(spec),
    ) as dag:
        with stage(STAGES["preflight"]) as preflight:
            settings = ShowSettingsOperator(task_id="settings", **of)
            checks = PreflightOperator(task_id="checks", **of)
            settings >> checks

        with stage(STAGES["provision"]) as provision:
            plan = TerraformPlanOperator(task_id="plan", **of)
            apply = TerraformApplyOperator(task_id="apply", execution_timeout=3 * HOUR, **of)
            reachability = ReachabilityOperator(task_id="reachability", **of)
            deploy = DeployOperator(task_id="deploy", execution_timeout=3 * HOUR, **of)
            smoke = SmokeOperator(task_id="smoke", site=Side.TARGET, **of)
            plan >> apply >> reachability >> deploy >> smoke

        with stage(STAGES["trial"], numbered=False) as trial:
            databases = TrialOperator(task_id="databases", part="databases", **of)
            replication = TrialOperator(
                task_id="replication", part="replication", execution_timeout=2 * HOUR, **of
            )
            servers = TrialOperator(task_id="servers", part="servers", **of)
            record = TrialOperator(task_id="record", part="record", **of)
            # also after a part that failed: nothing of the trial stays
            remove_trial = RemoveTrialOperator(
                task_id="remove_trial", trigger_rule=TriggerRule.ALL_DONE, **of
            )
            judge = JudgeTrialOperator(task_id="judge", **of)
            databases >> replication
            [replication, servers, record] >> remove_trial
            [replication, servers, record, remove_trial] >> judge

        with stage(STAGES["replicate"]) as replicate:
            prepare_control = PrepareControlOperator(task_id="prepare_control", **of)
            lower_ttl = LowerTtlOperator(task_id="lower_ttl", **of)
            carry_tables = CarrySchemaOperator(task_id="carry_tables", phase="tables", **of)
            prepare_task = PrepareReplicationOperator(task_id="prepare_task", **of)
            start_load = StartReplicationOperator(task_id="start_load", **of)
            full_load = FullLoadSensor(task_id="full_load", **of)
            carry_indexes = CarrySchemaOperator(
                task_id="carry_indexes", phase="indexes", execution_timeout=24 * HOUR, **of
            )
            start_cached = StartReplicationOperator(task_id="start_cached", **of)
            cached_applied = CachedChangesSensor(task_id="cached_applied", **of)
            carry_foreign_keys = CarrySchemaOperator(
                task_id="carry_foreign_keys", phase="foreign_keys", execution_timeout=24 * HOUR, **of
            )
            carry_code = CarrySchemaOperator(task_id="carry_code", phase="code", **of)
            start_cdc = StartReplicationOperator(task_id="start_cdc", **of)
            caught_up = LagSensor(task_id="caught_up", **of)
            prepare_control >> lower_ttl >> carry_tables >> prepare_task >> start_load >> full_load
            full_load >> carry_indexes >> start_cached >> cached_applied
            cached_applied >> carry_foreign_keys >> carry_code >> start_cdc >> caught_up

        with stage(STAGES["validate"]) as validate:
            tables = ListTablesOperator(task_id="tables", **of)
            compare = compare_each(tables, "compare", **of)
            table_states = TableStatesSensor(task_id="table_states", **of)
            parity = ParityOperator(task_id="parity", **of)
            compare >> table_states >> parity

        with stage(STAGES["switch_dns"]) as switch_dns:
            ttl_elapsed = OldTtlSensor(task_id="ttl_elapsed", **of)
            window = WindowSensor(task_id="window", **of)
            ask_dns = gate(
                gate="switch_dns",
                task_display_name=QUESTIONS["switch_dns"].title,
                proceed="switch_dns.change_record",
            )
            baseline = BaselineSensor(task_id="baseline", **of)
            keep_jobs = KeepJobsOperator(task_id="keep_jobs", **of)
            change_record = ChangeRecordOperator(task_id="change_record", **of)
            shift = ShiftSensor(task_id="shift", **of)
            watch = WatchSensor(task_id="watch", **of)
            in_sync = InSyncSensor(task_id="in_sync", **of)
            propagation = PropagationSensor(task_id="propagation", expected=Side.TARGET, **of)
            drained = DrainedSensor(task_id="drained", **of)
            ttl_elapsed >> window >> keep_jobs >> baseline >> ask_dns
            link_with_label([ask_dns], PROCEED, change_record)
            change_record >> shift
            shift >> in_sync >> propagation >> drained
            shift >> watch

        with stage(STAGES["switchover"]) as switch_over:
            prepare_return = PrepareReturnOperator(task_id="prepare_return", **of)
            # it may take an hour: neither in the window nor between the answer and the move
            snapshot = SnapshotOperator(task_id="snapshot", **of)
            window = WindowSensor(task_id="window", **of)
            ask_writes = gate(
                gate="switchover",
                task_display_name=QUESTIONS["switchover"].title,
                proceed="switchover.switch_over",
            )
            switchover = SwitchoverOperator(
                task_id="switch_over", to=Side.TARGET, retries=RESUME_RETRIES, **of
            )
            return_path = ReturnPathOperator(task_id="return_path", retries=RESUME_RETRIES, **of)
            smoke = SmokeOperator(task_id="smoke", site=Side.TARGET, outlets=[served_from_aws(spec)], **of)
            compare_back = compare_each(tables, "compare_back", **of)
            soak = SoakSensor(task_id="soak", **of)
            prepare_return >> snapshot >> window >> ask_writes
            link_with_label([ask_writes], PROCEED, switchover)
            switchover >> return_path >> smoke >> compare_back >> soak

        with stage(STAGES["retire"]) as retire:
            ask_retire = gate(
                gate="retire", task_display_name=QUESTIONS["retire"].title, proceed="retire.final_dump"
            )
            final_dump = FinalDumpOperator(task_id="final_dump", execution_timeout=24 * HOUR, **of)
            restore_ttl = RestoreTtlOperator(task_id="restore_ttl", **of)
            stop_replication = DeleteReplicationOperator(task_id="stop_replication", **of)
            teardown_plan = TerraformPlanOperator(task_id="teardown_plan", replication_enabled=False, **of)
            teardown = TerraformApplyOperator(task_id="teardown", replication_enabled=False, **of)
            remove_control = RemoveControlOperator(task_id="remove_control", **of)
            stop_idc = StopServersOperator(task_id="stop_idc", site=Side.SOURCE, **of)
            link_with_label([ask_retire], PROCEED, final_dump)
            (
                final_dump
                >> restore_ttl
                >> stop_replication
                >> teardown_plan
                >> teardown
                >> remove_control
                >> stop_idc
            )

        # not compare_back: where the source differs, going back is no help
        behind_their_gate = {
            "switch_dns": [change_record, shift, in_sync, propagation, drained],
            "switchover": [switchover, return_path, smoke, soak],
        }
        # where a breach sends the name back by itself, the rest of the way back follows
        went_back = [shift, watch] if spec.watch.on_breach == "rollback" else []
        # begins when every gate is answered or skipped; skipped itself when the last one says Proceed
        rollback, begin = rollback_stage(
            spec,
            BeginRollbackOperator,
            numbered=True,
            trigger_rule=EITHER_WAY,
            watched=list(
                dict.fromkeys(
                    [*(t for stage in spec.rollback.automatic for t in behind_their_gate[stage]), *went_back]
                )
            ),
        )

        with stage(STAGES["finish"]) as finish:
            ReportOperator(task_id="report", trigger_rule=TriggerRule.ONE_SUCCESS, **of)

        preflight >> provision >> trial >> replicate >> validate >> switch_dns
        # not the watch: it goes on until the question about the writes is answered
        drained >> switch_over >> retire >> finish
        link_with_label([ask_dns, ask_writes, ask_retire], ROLL_BACK, begin)
        rollback >> finish
    return dag


EITHER_WAY = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
"""One of the branches that lead here went through, the others were skipped, and nothing failed."""


def compare_each(tables: ListTablesOperator, task_id: str, **of: str) -> Any:
    """One task for each table, or for each part of a huge one, four at a time."""
    return CompareTableOperator.partial(
        task_id=task_id,
        task_display_name=TITLES[task_id],
        map_index_template="{{ task.shown }}",
        doc_md=inspect.getdoc(CompareTableOperator),
        max_active_tis_per_dagrun=4,
        execution_timeout=24 * HOUR,
        **of,
    ).expand_kwargs(tables.output)


for path in spec_files():
    try:
        globals()[f"migrate_{path.stem}"] = migration(load_spec(path))
    except SpecError:
        # dags/broken_specs.py shows it as an import error; raised here, it would take down every other
        # migration
        continue
