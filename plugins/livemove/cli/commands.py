"""The `livemove` command: the switchover's own core, for a night in which Airflow is down.

Logins come from Airflow connections in the environment (AIRFLOW_CONN_<ID>), as a file of KEY=value lines may
hold them (--env-file); neither Airflow's database nor any of its processes is asked. Exit codes:

0 done, or nothing had to be done      4 undone before its commit: the old owner serves
2 wrong usage, spec or connection      5 committed and not finished: livemove continue
3 refused, nothing was changed         6 a person must decide
7 something does not answer            8 tables differ
1 anything else
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livemove.comparison.row_comparison import Effort, TableVerdict, differs
from livemove.control.current_link import current_link
from livemove.model.errors import (
    LivemoveError,
    ManualInterventionRequired,
    RefusedError,
    SetupError,
    SpecError,
    SwitchoverAborted,
    SwitchoverIncomplete,
    UnreachableError,
)
from livemove.model.ports import Link
from livemove.model.spec import MigrationSpec, Side, load_spec
from livemove.replication import dms_rules as replication
from livemove.switchover import manual_recovery as night
from livemove.switchover import promotion
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext
    from livemove.switchover.steps import Dependencies

CODES: tuple[tuple[type[LivemoveError], int], ...] = (
    (SpecError, 2),
    (SetupError, 2),
    (RefusedError, 3),
    (SwitchoverAborted, 4),
    (SwitchoverIncomplete, 5),
    (ManualInterventionRequired, 6),
    (UnreachableError, 7),
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Spec = Annotated[Path, typer.Option(help="the service's spec file", dir_okay=False)]
EnvFile = Annotated[Path | None, typer.Option(help="KEY=value lines with AIRFLOW_CONN_*", dir_okay=False)]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask for the service's name")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="print the steps and change nothing")]


def code_of(error: LivemoveError) -> int:
    return next((code for kind, code in CODES if isinstance(error, kind)), 1)


def world_of(spec: MigrationSpec) -> ServiceContext:
    from livemove.runtime.service_context import ServiceContext

    world = ServiceContext(spec, run_id="without Airflow", task_id="livemove")
    world.aws_attempts = 2
    return world


@contextmanager
def opened_world(spec_file: Path, env_file: Path | None) -> Iterator[ServiceContext]:
    """The service's world; every error on purpose becomes its text on stderr and its exit code."""
    try:
        _read_environment(env_file)
        # Airflow's hooks read connections from the environment; its database must not even be tried
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite:////dev/null"
        yield world_of(load_spec(spec_file))
    except LivemoveError as e:
        typer.echo(f"{type(e).__name__}: {e}", err=True)
        raise typer.Exit(code_of(e)) from e


@contextmanager
def opened(spec_file: Path, env_file: Path | None) -> Iterator[tuple[ServiceContext, Dependencies]]:
    """The same with what the switchover needs."""
    with opened_world(spec_file, env_file) as world:
        from livemove.switchover.adapters.wiring import build_dependencies

        with build_dependencies(world) as parts:
            yield world, parts


def _read_environment(file: Path | None) -> None:
    if file is None:
        return
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise SetupError(f"{file} cannot be read ({e.strerror})", wanted="KEY=value lines") from e
    for line in lines:
        key, separator, value = line.partition("=")
        if separator and not key.lstrip().startswith("#"):
            os.environ[key.strip()] = value.strip()


@contextmanager
def moving(parts: Dependencies) -> Iterator[Callable[[Side], Switchover]]:
    """Runs attempts, each with its own id. Ctrl-C: undo before the commit, else finish; twice: end now."""
    made: list[Switchover] = []
    asked: list[int] = []

    def make(to: Side) -> Switchover:
        made.append(Switchover(parts, to, f"cli-{secrets.token_hex(8)}", guards=refusals))
        if asked:
            made[-1].stop()
        return made[-1]

    def stop(number: int, *_: object) -> None:
        asked.append(number)
        for one in made:
            one.stop()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield make
    finally:
        restore()


def agreed(service: str, plan: Iterable[str], *, yes: bool, dry_run: bool) -> None:
    """Show the steps; go on only with the service's name typed, and never in a dry run."""
    for line in plan:
        typer.echo(line)
    if dry_run:
        typer.echo("dry run: nothing was changed")
        raise typer.Exit(0)
    if not yes and typer.prompt(f"Type {service} to do this", default="", show_default=False) != service:
        raise RefusedError(
            f"{service} was not typed, nothing was changed", wanted="the service's name, or --yes"
        )


@app.command()
def status(spec: Spec, env_file: EnvFile = None) -> None:
    """Show the owner, both control rows and the next command. Read-only; exits 0 even if a side is down."""
    with opened(spec, env_file) as (_, parts):
        for line in night.report(parts):
            typer.echo(line)


@app.command()
def abort(spec: Spec, env_file: EnvFile = None, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Lift a fence before its commit: the application writes again at once."""
    with opened(spec, env_file) as (_, parts):
        now = night.ControlStates.of(parts)
        if now.fenced:
            agreed(parts.service, night.abort_plan(now), yes=yes, dry_run=dry_run)
        typer.echo(night.abort(parts))


@app.command("continue")
def go_on(spec: Spec, env_file: EnvFile = None, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Finish a committed switchover, as a retry of switchover and return_path would. Starts no new one."""
    with opened(spec, env_file) as (_, parts):
        plan = night.continue_plan(parts, night.ControlStates.of(parts))
        if plan:
            agreed(parts.service, plan, yes=yes, dry_run=dry_run)
        with moving(parts) as make:
            typer.echo(night.go_on(parts, make))


@app.command()
def rollback(
    spec: Spec,
    env_file: EnvFile = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    keep_name: Annotated[bool, typer.Option("--keep-name", help="the writes only; the record stays")] = False,
) -> None:
    """Roll back: move the writes to the source without losing any, then the public name."""
    from livemove.dns.adapters.public_record import put_back
    from livemove.switchover.adapters.wiring import prepare_return

    with opened(spec, env_file) as (world, parts):
        plan = night.rollback_plan(parts, night.ControlStates.of(parts)) or [
            "the writes never left the source"
        ]
        if not keep_name:
            plan.append(f"the record {world.spec.dns.name} answers the old addresses again")
        agreed(parts.service, plan, yes=yes, dry_run=dry_run)
        with moving(parts) as make:
            typer.echo(night.roll_back(parts, make, lambda p: prepare_return(world, p)))
        if keep_name:
            typer.echo(f"what remains: the record {world.spec.dns.name}; run this again without --keep-name")
        else:
            typer.echo(put_back(world)[1])
            typer.echo(
                f"caches follow within {world.spec.dns.ttl} s; then test the service at the data centre"
            )


@app.command("reload-table")
def reload_table(
    spec: Spec,
    tables: Annotated[list[str], typer.Argument(help="schema.table, one or more", metavar="TABLE...")],
    env_file: EnvFile = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Let DMS reload single tables of the follower while its task runs; their rows there go first."""
    with opened(spec, env_file) as (_, parts):
        wanted = [replication.table_name(t) for t in tables]
        now = night.ControlStates.of(parts)
        if now.source is None or now.target is None:
            raise UnreachableError(f"{' and '.join(now.silent)} does not answer, nothing was changed")
        link = current_link(parts.service, now.source, now.target)
        replication.require_reloadable(
            link, parts.replicator.status(link), parts.replicator.tables(link), wanted
        )
        plan = [
            f"{link.name}: {', '.join(tables)} emptied on the {link.writes} and copied again from the"
            f" {link.reads}"
        ]
        agreed(parts.service, plan, yes=yes, dry_run=dry_run)
        parts.replicator.reload(link, wanted)
        typer.echo("DMS loads them again; `livemove status` shows the task, table_states checks the tables")


@app.command()
def promote(
    spec: Spec,
    env_file: EnvFile = None,
    word: Annotated[
        str, typer.Option(help="the sentence, instead of typing it: the source of <service> is off")
    ] = "",
    dry_run: DryRun = False,
    keep_name: Annotated[bool, typer.Option("--keep-name", help="leave the public record alone")] = False,
) -> None:
    """The source is lost for good: make the target the owner. Prints how much data may be lost.

    Run it again to continue where it stopped, and to close a source that came back.
    """
    from livemove.dns.adapters.public_record import point_at_target

    with opened(spec, env_file) as (world, parts):
        wanted = promotion.sentence(parts.service)
        row = parts.control[Side.TARGET].read()
        for line in promotion.bound(parts, row).lines():
            typer.echo(line)
        if found := list(promotion.reasons(parts, Side.TARGET, wanted)):
            raise RefusedError("; ".join(found), next_step="livemove status")
        if dry_run:
            typer.echo(
                f"would promote {row}, turn every server to the target, open it and point the name there"
            )
            return
        word = word or typer.prompt(
            f'Type "{wanted}", if you know that it is and stays so', default="", show_default=False
        )
        with moving(parts) as make:
            done = promotion.promote(parts, Side.TARGET, word, f"cli-{secrets.token_hex(8)}", make)
        for line in (*done.message, done.old_owner_came_back or ""):
            typer.echo(line) if line else None
        typer.echo(
            f"the target is the owner since epoch {done.epoch}; the source is never reopened, only rebuilt"
        )
        typer.echo("the record stays" if keep_name else point_at_target(world)[1])


Tables = Annotated[
    list[str] | None, typer.Option("--table", help="schema.table; again for more; all when left out")
]
Nice = Annotated[float, typer.Option(help="rest after each chunk, as a share of its time: 1 halves the load")]
Seconds = Annotated[float, typer.Option(help="wanted time of one chunk")]
Running = Annotated[int, typer.Option(help="pause while more threads run on the source")]
DIFFER = 8


@app.command()
def compare(
    spec: Spec,
    env_file: EnvFile = None,
    table: Tables = None,
    nice: Nice = 0.0,
    seconds: Seconds = 0.5,
    running: Running = 25,
) -> None:
    """Compare every row while writes continue; resumes after an interruption. Exits 8 on a difference."""
    from livemove.comparison.adapters.compared_tables import compare_in_use
    from livemove.control.adapters.state import link_in_use

    effort, wrong = Effort(seconds=seconds, nice=nice, running=running), 0
    with opened(spec, env_file) as (world, parts):
        link = link_in_use(world)
        for name in table or parts.tables():
            verdict = compare_in_use(world, link, name, progress=typer.echo, effort=effort)
            wrong += not verdict.equal
            typer.echo(describe_verdict(name, verdict, link))
    if wrong:
        raise typer.Exit(DIFFER)


@app.command()
def repair(
    spec: Spec,
    table: Annotated[str, typer.Option(help="schema.table")],
    env_file: EnvFile = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Compare a table, copy differing rows from the owner, compare again. Exits 8 if rows still differ."""
    from livemove.comparison.adapters.compared_tables import compare_in_use, repair_in_use
    from livemove.control.adapters.state import link_in_use

    with opened(spec, env_file) as (world, parts):
        link, effort = link_in_use(world), Effort()
        found = compare_in_use(world, link, table, progress=typer.echo, effort=effort, listed=1000)
        typer.echo(describe_verdict(table, found, link))
        if found.equal:
            return
        plan = [
            f"{len(found.differences)} rows of {table} are replaced on the {link.writes} by the"
            f" {link.reads}'s"
        ]
        agreed(parts.service, plan, yes=yes, dry_run=dry_run)
        repair_in_use(world, link, table, found, progress=typer.echo)
        found = compare_in_use(world, link, table, progress=typer.echo, effort=effort)
        typer.echo(describe_verdict(table, found, link))
    if not found.equal:
        raise typer.Exit(DIFFER)


def describe_verdict(name: str, verdict: TableVerdict, link: Link) -> str:
    if not verdict.equal:
        return differs(name, verdict, link)
    return f"{name}: {verdict.rows_source:,} rows equal in {verdict.seconds:.1f} s. {verdict.note}".rstrip()


@app.command("prepare-source")
def prepare_source(
    spec: Spec,
    env_file: EnvFile = None,
    to: Annotated[Path | None, typer.Option(help="write three files into this folder instead")] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="do not look at the source: print all that it will need")
    ] = False,
) -> None:
    """Print what the source still lacks, for its DBA: a my.cnf fragment, SQL and a list of firewall rules."""
    from livemove.preflight.adapters.source_needs import needs

    with opened_world(spec, env_file) as world:
        found, why = needs(world, look=not everything)
    typer.echo(why, err=True)
    for part in found:
        if to is None:
            typer.echo(f"===== {part.file}\n{part.text}")
        else:
            to.mkdir(parents=True, exist_ok=True)
            (to / part.file).write_text(part.text, encoding="utf-8")
            typer.echo(to / part.file)


@app.command()
def trial(spec: Spec, env_file: EnvFile = None) -> None:
    """Try the account on scratch tables, a scratch record and scratch settings, after the provision chapter.

    Removes all of it again, also after a failure. Needs half an hour at AWS.
    """
    from livemove.trial.adapters.parts import judge, remove, try_part
    from livemove.trial.judgement import PARTS

    failed: LivemoveError | None = None
    with opened_world(spec, env_file) as world:
        try:
            for part in PARTS:
                # each with a context of its own: it keeps the answers of its own calls
                try_part(world_of(world.spec), part)
        except LivemoveError as e:
            failed = e
            raise
        finally:
            try:
                for line in remove(world_of(world.spec)):
                    typer.echo(f"gone: {line}")
            except LivemoveError:
                if failed:  # else nobody would hear of it
                    typer.echo(f"{type(failed).__name__}: {failed}", err=True)
                raise
        for line in judge(world):
            typer.echo(line)


@app.command()
def report(
    spec: Spec,
    into: Annotated[Path, typer.Option(help="folder for report.html and report.json", file_okay=False)],
    env_file: EnvFile = None,
) -> None:
    """Write the migration's report as of now, from the ledger and whichever databases answer."""
    import json

    from livemove.reporting.adapters.report_writer import make_report
    from livemove.reporting.report_model import as_json
    from livemove.reporting.report_page import page

    with opened(spec, env_file) as (world, _):
        made = make_report(world)
    into.mkdir(parents=True, exist_ok=True)
    (into / "report.json").write_text(
        json.dumps(as_json(made), ensure_ascii=False, indent=1), encoding="utf-8"
    )
    (into / "report.html").write_text(page(made).html(), encoding="utf-8")
    for line in [*made.summary, str(into / "report.html")]:
        typer.echo(line)


@app.command("report-schema")
def report_schema() -> None:
    """The published shape of report.json, as JSON Schema."""
    import json

    from livemove.reporting.report_model import schema

    typer.echo(json.dumps(schema(), indent=1))


def main() -> None:
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("livemove").setLevel(logging.INFO)
    app()
