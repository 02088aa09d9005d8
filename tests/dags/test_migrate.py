"""The shape of the story, as Airflow's own loader sees it."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import TriggerRule
from airflow.sdk.exceptions import DownstreamTasksSkipped, ParamValidationError

from livemove.dag import OBSERVERS, RESUME_RETRIES
from livemove.model.spec import MigrationSpec, load_spec
from livemove.model.stages import TITLES
from livemove.reporting.operators.callbacks import note_failure
from livemove.reporting.operators.gate import MigrationGate
from livemove.reporting.operators.promotion_gate import PromotionGate
from livemove.runtime.notifications import check, tell_failure
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling_trigger import resolve
from livemove.runtime.sensor import WatchingSensor
from livemove.runtime.trigger_form import FIELDS, trigger_form
from livemove.switchover.operators.rollback import OrderedRollbackOperator

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "include" / "migrations" / "shop.yaml"
STORY = {
    "preflight": ["settings", "checks"],
    "provision": ["plan", "apply", "reachability", "deploy", "smoke"],
    "trial": ["databases", "replication", "remove_trial", "judge"],
    "replicate": [
        "prepare_control",
        "lower_ttl",
        "carry_tables",
        "prepare_task",
        "start_load",
        "full_load",
        "carry_indexes",
        "start_cached",
        "cached_applied",
        "carry_foreign_keys",
        "carry_code",
        "start_cdc",
        "caught_up",
    ],
    "validate": ["tables", "compare", "table_states", "parity"],
    "switch_dns": [
        "ttl_elapsed",
        "window",
        "keep_jobs",
        "baseline",
        "ask",
        "change_record",
        "shift",
        "in_sync",
        "propagation",
        "drained",
    ],
    "switchover": [
        "prepare_return",
        "snapshot",
        "window",
        "ask",
        "switch_over",
        "return_path",
        "smoke",
        "compare_back",
        "soak",
    ],
    "retire": [
        "ask",
        "final_dump",
        "restore_ttl",
        "stop_replication",
        "teardown_plan",
        "teardown",
        "remove_control",
        "stop_idc",
    ],
}
BESIDE = {"trial": ["servers", "record"], "switch_dns": ["watch"]}
"""Tasks of a chapter that nothing of the story waits for."""
AFTER = {"rollback": ["begin", "writes", "name", "propagation", "smoke"], "finish": ["report"]}
GATES = {
    "switch_dns.ask": "switch_dns.change_record",
    "switchover.ask": "switchover.switch_over",
    "retire.ask": "retire.final_dump",
}
KINDS = ("migrate", "rollback", "promote")
HEAVY = [
    "boto3",
    "botocore",
    "pymysql",
    "dns.resolver",
    "dns.message",
    "paramiko",
    "requests",
    "airflow.providers.amazon.aws",
]


def load(folder: Path | None = None) -> DagBag:
    return DagBag(str(folder or ROOT / "dags"), collect_dags=True)


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return load()


@pytest.fixture(scope="module")
def dag(bag: DagBag) -> Any:
    assert not bag.import_errors, bag.import_errors
    return bag.dags["migrate_shop"]


def test_every_spec_is_a_dag_and_the_example_is_none(bag: DagBag) -> None:
    specs = {
        p.stem for p in (ROOT / "include" / "migrations").glob("*.yaml") if not p.stem.startswith("example")
    }
    assert set(bag.dags) == {f"{kind}_{s}" for s in specs for kind in KINDS}


def test_the_chapters_hold_exactly_the_tasks_of_the_story(dag: Any) -> None:
    wanted = {f"{group}.{task}" for group, tasks in {**STORY, **AFTER}.items() for task in tasks}
    wanted |= {f"{group}.{task}" for group, tasks in BESIDE.items() for task in tasks}
    assert set(dag.task_ids) == wanted


def test_the_story_is_one_line_from_the_first_task_to_the_last(dag: Any) -> None:
    line = [f"{group}.{task}" for group, tasks in STORY.items() for task in tasks]
    for before, after in itertools.pairwise(line):
        assert after in dag.get_task(before).downstream_task_ids, (before, after)
    assert dag.get_task(line[-1]).downstream_task_ids == {"finish.report"}


def test_every_gate_leads_on_and_to_the_rollback_and_nowhere_else(dag: Any) -> None:
    gates = {t.task_id: t for t in dag.tasks if isinstance(t, MigrationGate)}
    assert set(gates) == set(GATES)
    for task_id, next_task in GATES.items():
        assert gates[task_id].downstream_task_ids == {next_task, "rollback.begin"}
        assert gates[task_id].options_mapping == {"Proceed": next_task, "Roll back": "rollback.begin"}
        assert gates[task_id].defaults is None
    assert dag.get_task("rollback.begin").upstream_task_ids == set(GATES)


def test_only_where_branches_meet_a_skipped_task_does_not_skip_the_next(dag: Any) -> None:
    meeting = {t.task_id for t in dag.tasks if t.trigger_rule != TriggerRule.ALL_SUCCESS}
    assert meeting == {"rollback.begin", "finish.report", "trial.remove_trial"}
    assert dag.get_task("trial.remove_trial").trigger_rule == TriggerRule.ALL_DONE
    assert dag.get_task("rollback.begin").trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
    assert dag.get_task("finish.report").trigger_rule == TriggerRule.ONE_SUCCESS
    assert dag.get_task("finish.report").upstream_task_ids == {"retire.stop_idc", "rollback.smoke"}


class Instance:
    """As much of a running task instance as the branch asks for."""

    map_index = -1

    def __init__(self, task: Any) -> None:
        self.task, self.pushed = task, {}  # type: ignore[var-annotated]

    def xcom_push(self, key: str, value: object) -> None:
        self.pushed[key] = value


@pytest.mark.parametrize("gate", GATES)
def test_proceed_skips_the_rollback_only_at_the_last_gate(dag: Any, gate: str) -> None:
    """At the others the rollback still waits for the later gates' answers."""
    task = dag.get_task(gate)
    if gate == "retire.ask":
        with pytest.raises(DownstreamTasksSkipped) as skipped:
            task.skip_all_except(Instance(task), [GATES[gate]])
        assert skipped.value.tasks == [("rollback.begin", -1)]
    else:
        task.skip_all_except(Instance(task), [GATES[gate]])


@pytest.mark.parametrize("gate", GATES)
def test_roll_back_skips_the_rest_of_the_story_and_leaves_no_record_that_outlives_a_clear(
    dag: Any, gate: str
) -> None:
    task = dag.get_task(gate)
    instance = Instance(task)
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        task.skip_all_except(instance, ["rollback.begin"])
    assert skipped.value.tasks == [(GATES[gate], -1)]
    assert instance.pushed == {}
    assert task.inherits_from_skipmixin is False


def test_every_task_may_run_twice_and_none_hangs_for_ever(dag: Any) -> None:
    for task in dag.tasks:
        assert task.retries >= 1, task.task_id
        assert task.execution_timeout or isinstance(task, MigrationGate), task.task_id


def test_what_moves_writes_outlives_any_lease_and_goes_on_by_itself(dag: Any) -> None:
    longest = MigrationSpec.model_fields["switchover"].annotation.model_fields["lease"].metadata  # type: ignore[union-attr]
    lease = next(m.le for m in longest if hasattr(m, "le"))
    assert next(f for f in FIELDS if f.name == "lease").schema["maximum"] == lease
    for task_id in ("switchover.switch_over", "switchover.return_path", "rollback.writes"):
        task = dag.get_task(task_id)
        assert task.execution_timeout.total_seconds() >= 4 * lease
        assert task.retries == RESUME_RETRIES


@pytest.fixture(scope="module")
def automatic(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("specs")
    (folder / "shop.yaml").write_text(
        SHOP.read_text() + "\nrollback:\n  automatic: [switch_dns, switchover]\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEMOVE_MIGRATIONS", str(folder))
        bag = load()
    assert not bag.import_errors, bag.import_errors
    return bag.dags["migrate_shop"]


def test_a_spec_that_says_so_watches_what_lies_behind_the_gates_and_no_gate(automatic: Any) -> None:
    task = automatic.get_task("rollback.automatic")
    behind = [
        f"{stage}.{name}"
        for stage in ("switch_dns", "switchover")
        for name in STORY[stage][STORY[stage].index("ask") + 1 :]
        if name != "compare_back"  # where the source differs, going back is no help
    ]
    assert task.upstream_task_ids == set(behind)
    assert task.trigger_rule == TriggerRule.ONE_FAILED
    assert task.downstream_task_ids == {"rollback.writes"}
    writes = automatic.get_task("rollback.writes")
    assert writes.upstream_task_ids == {"rollback.begin", "rollback.automatic"}
    assert writes.trigger_rule == TriggerRule.ONE_SUCCESS
    for task_id in GATES:
        assert "rollback.automatic" not in automatic.get_task(task_id).downstream_task_ids


def test_both_sites_are_watched_beside_the_story(dag: Any) -> None:
    watch = dag.get_task("switch_dns.watch")
    assert watch.upstream_task_ids == {"switch_dns.shift"}
    assert watch.downstream_task_ids == set()


def test_where_a_breach_goes_back_by_itself_the_rest_of_the_way_back_follows(tmp_path: Path) -> None:
    text = SHOP.read_text()
    assert "watch:\n" in text
    (tmp_path / "shop.yaml").write_text(text.replace("watch:\n", "watch:\n  on_breach: rollback\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEMOVE_MIGRATIONS", str(tmp_path))
        made = load().dags["migrate_shop"]
    assert made.get_task("rollback.automatic").upstream_task_ids == {"switch_dns.shift", "switch_dns.watch"}


def test_without_a_word_in_the_spec_nothing_goes_back_by_itself(dag: Any) -> None:
    assert not load_spec(SHOP).rollback.automatic
    assert "rollback.automatic" not in dag.task_ids


def test_the_way_back_alone_is_the_same_chapter(bag: DagBag, dag: Any) -> None:
    alone = bag.dags["rollback_shop"]
    wanted = [f"rollback.{name}" for name in AFTER["rollback"]]
    report = alone.get_task("finish.report")
    assert report.upstream_task_ids == {"rollback.smoke", "give_up.remove_trial"}
    assert report.trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
    undone = ("asked", "restore_ttl", "stop_replication", "remove_control", "remove_trial")
    give_up = [f"give_up.{name}" for name in undone]
    assert set(alone.task_ids) == {*wanted, *give_up, "finish.report"}
    for before, after in itertools.pairwise([wanted[-1], *give_up]):
        assert alone.get_task(after).upstream_task_ids == {before}
    assert dag.get_task("retire.remove_control").keeps == "target"
    assert alone.get_task("give_up.remove_control").keeps == "source"
    assert alone.params["give_up"] is False
    for task_id in wanted[1:]:
        a, b = alone.get_task(task_id), dag.get_task(task_id)
        assert (type(a), a.retries, a.trigger_rule, a.upstream_task_ids) == (
            type(b),
            b.retries,
            b.trigger_rule,
            b.upstream_task_ids,
        )
    assert isinstance(alone.get_task("rollback.begin"), OrderedRollbackOperator)
    assert (alone.schedule, alone.max_active_runs) == (None, 1)
    with pytest.raises(ParamValidationError):
        alone.params.validate()
    alone.params["confirm"] = "shop"
    assert alone.params.validate()["confirm"] == "shop"


def test_the_emergency_is_one_line_behind_one_question(bag: DagBag) -> None:
    emergency = bag.dags["promote_shop"]
    line = ["ask", "promote", "name", "smoke", "propagation", "report"]
    assert set(emergency.task_ids) == set(line)
    for before, after in itertools.pairwise(line):
        assert emergency.get_task(before).downstream_task_ids == {after}
    assert isinstance(emergency.get_task("ask"), PromotionGate)
    assert emergency.get_task("ask").defaults is None
    assert emergency.get_task("promote").asked_by == "ask"


def test_nobody_starts_it_but_a_person_and_never_twice_at_once(dag: Any) -> None:
    assert dag.schedule is None
    assert dag.max_active_runs == 1
    assert not dag.catchup
    assert set(dag.tags) == {"livemove", "shop"}


def test_chapters_are_documented_and_the_form_is_the_specs(dag: Any) -> None:
    for group in {**STORY, **AFTER}:
        assert dag.task_group_dict[group].doc_md, group
        assert dag.task_group_dict[group].tooltip, group
    assert "Roll back" in dag.doc_md
    assert set(dag.params) == set(trigger_form(load_spec(SHOP)))


def test_every_task_says_what_it_does_and_leads_to_the_console_and_the_runbook(bag: DagBag) -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).strip().replace(" ", "-")
        for line in (ROOT / "docs" / "runbook.md").read_text().splitlines()
        if line.startswith("#")
    }
    for task in (t for dag in bag.dags.values() for t in dag.tasks):
        assert task.doc_md, task.task_id
        names = {link.name for link in task.operator_extra_links}
        assert {"Console of this run", "Runbook"} <= names, task.task_id
        section = getattr(task, "runbook_section", LivemoveOperator.runbook_section)
        assert section in headings, f"{task.task_id}: docs/runbook.md has no section #{section}"


@pytest.mark.parametrize(
    ("task_id", "link"),
    [
        ("replicate.full_load", "DMS task"),
        ("switchover.return_path", "DMS task"),
        ("switchover.switch_over", "RDS instance"),
        ("provision.apply", "RDS instance"),
        ("switch_dns.change_record", "Route 53 zone"),
        ("rollback.propagation", "Route 53 zone"),
    ],
)
def test_aws_shows_what_a_task_works_on(dag: Any, task_id: str, link: str) -> None:
    assert link in {one.name for one in dag.get_task(task_id).operator_extra_links}


def test_links_survive_the_way_to_the_web_server(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    seen = DagSerialization.from_dict(DagSerialization.to_dict(dag)).get_task("replicate.full_load")
    assert set(seen.operator_extra_link_dict) >= {"Console of this run", "Runbook", "DMS task"}


def test_every_task_has_a_name_that_a_person_would_say(bag: DagBag) -> None:
    for dag in bag.dags.values():
        names = [t.task_display_name for t in dag.tasks]
        assert not [n for n in names if "." in n or "_" in n or n == n.lower() or len(n) > 28], names
    assert {t.task_id.rpartition(".")[2] for dag in bag.dags.values() for t in dag.tasks} | {
        "automatic"  # only where a spec says so
    } == {*TITLES, "ask"}


def test_branches_carry_the_answer_that_leads_to_them(dag: Any) -> None:
    for task_id, next_task in GATES.items():
        assert dag.edge_info[task_id][next_task] == {"label": "Proceed"}
        assert dag.edge_info[task_id]["rollback.begin"] == {"label": "Roll back"}


def test_other_dags_may_wait_for_the_service_to_be_served_from_aws(bag: DagBag) -> None:
    made = {
        (dag_id, task.task_id): [a.name for a in task.outlets]
        for dag_id, dag in bag.dags.items()
        for task in dag.tasks
        if task.outlets
    }
    asset = ["shop served from AWS"]
    assert made == {("migrate_shop", "switchover.smoke"): asset, ("promote_shop", "smoke"): asset}


def test_whoever_the_spec_names_is_told_of_questions_and_failures(dag: Any) -> None:
    for task in dag.tasks:
        assert note_failure in task.on_failure_callback, task.task_id
        assert tell_failure in task.on_failure_callback, task.task_id
    for task_id in GATES:
        (notifier,) = dag.get_task(task_id).notifiers
        assert (notifier.service, notifier.moment) == ("shop", "question")
    assert dag.get_task("switch_dns.shift").failure_is == "breach"


def test_every_wait_has_the_observers_and_each_is_found_by_its_path(bag: DagBag) -> None:
    waits = [t for dag in bag.dags.values() for t in dag.tasks if isinstance(t, WatchingSensor)]
    assert len(waits) > 10
    assert {t.observers for t in waits} == {OBSERVERS}
    assert all(callable(resolve(path)) for path in OBSERVERS)


def test_a_table_is_named_in_the_grid(dag: Any) -> None:
    for task_id in ("validate.compare", "switchover.compare_back"):
        assert dag.get_task(task_id).partial_kwargs["map_index_template"] == "{{ task.shown }}"


def test_the_form_has_sections_and_helps_with_every_field(dag: Any) -> None:
    for name in dag.params:
        schema = dag.params.get_param(name).schema
        assert schema["section"], name
        assert schema["title"], name
        assert schema["description_md"], name


def test_a_wrong_spec_shows_file_and_line_and_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = SHOP.read_text()
    (tmp_path / "shop.yaml").write_text(good)
    (tmp_path / "slip.yaml").write_text(
        good.replace("service: shop", "service: slip").replace("\nsoak:", "\nsoaks:")
    )
    monkeypatch.setenv("LIVEMOVE_MIGRATIONS", str(tmp_path))
    bag = load()
    line = next(n for n, text in enumerate(good.splitlines(), 1) if text.startswith("soak:"))
    assert set(bag.dags) == {f"{kind}_shop" for kind in KINDS}
    assert [Path(f).name for f in bag.import_errors] == ["broken_specs.py"]
    shown = next(iter(bag.import_errors.values()))
    assert f"{tmp_path / 'slip.yaml'}:{line}: soaks: unknown key; did you mean soak?" in shown


def test_parsing_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, json; from airflow.dag_processing.dagbag import DagBag; "
        f"bag = DagBag({str(ROOT / 'dags')!r}); assert bag.dags, bag.import_errors; "
        f"print('HEAVY', json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins"), "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    found = next(line for line in done.stdout.splitlines() if line.startswith("HEAVY"))
    assert json.loads(found.removeprefix("HEAVY")) == []


def test_the_example_for_real_aws_is_a_valid_spec(tmp_path: Path) -> None:
    example = ROOT / "include" / "migrations" / "example-aws.yaml"
    copy = tmp_path / "listings.yaml"
    copy.write_text(example.read_text())
    spec = load_spec(copy)
    assert not spec.rehearsal
    assert check(spec.notify) == []
    assert "endpoint_url:" not in example.read_text()
