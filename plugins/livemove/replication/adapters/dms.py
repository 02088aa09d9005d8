"""AWS DMS as the Replicator port: one replication task, two endpoints and two secrets per link.

Everything may be called twice: what exists is kept, or brought to what is asked. Logins travel through
Secrets Manager, so that no password is in an endpoint. Errors quote DMS.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from livemove.model.errors import LivemoveError, ReplicationError, SetupError, UnreachableError
from livemove.model.formatting import utc
from livemove.model.ledger import Outputs
from livemove.model.ports import Clock, Json, Link, ReplicationStatus, TableProgress, TaskState
from livemove.model.spec import Side, project_root
from livemove.replication.adapters.certificates import Certificates
from livemove.replication.dms_rules import describe_status, start_type, table_mappings, task_settings
from livemove.runtime.deadlines import Deadline, poll_until
from livemove.runtime.polling import LogThrottle

if TYPE_CHECKING:
    from livemove.runtime.mariadb import Trust
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)

TEST_TIMEOUT = 300.0
"""Seconds for a connection test; DMS takes 20 to 60."""
TASK_TIMEOUT = 1200.0
"""Seconds for a task to start, stop or go away; DMS takes minutes."""
TESTED = ("successful", "failed")
"""Ends of a connection test."""
ROLE_TRIES = 6
"""A role that was just made is not known everywhere yet: so often is an endpoint tried, 10 s apart."""
EVENTS_BACK = timedelta(days=14)
"""DMS's events are asked for from the making of the task on, at most for so long."""
ABOUT_TO_STOP = timedelta(minutes=1)
"""A task that loaded its last row so recently, and has not stopped, is on its way to the first stop."""
UNLOADED = {"Before load", "Full load", "Table cancelled"}
AT_WORK = {TaskState.STARTING, TaskState.RUNNING, TaskState.STOPPING}
READER, APPLIER = "reader", "applier"
ROLES = {READER: "source", APPLIER: "target"}


class DmsReplicator:
    def __init__(
        self,
        dms: Any,
        secrets: Any,
        *,
        service: str,
        schemas: tuple[str, ...],
        settings: Callable[[], str],
        outputs: Callable[[], Outputs],
        clock: Clock,
        cloudwatch: Any = None,
        batch_apply: bool = False,
        watermarks: bool = True,
        longest_lob: Callable[[], int | None] = lambda: None,
        trust: Callable[[Side], Trust | None] = lambda side: None,
    ) -> None:
        self.dms, self.secrets, self.service, self.schemas = dms, secrets, service, schemas
        self.settings, self._outputs, self.clock = settings, outputs, clock
        self.cloudwatch, self.batch_apply, self.longest_lob = cloudwatch, batch_apply, longest_lob
        self.watermarks = watermarks
        """Whether a link copies livemove's watermark table of its direction, too."""
        self.certificates = Certificates(dms, service, trust)

    @classmethod
    def of(
        cls, world: ServiceContext, schemas: tuple[str, ...] | None = None, *, watermarks: bool = True
    ) -> DmsReplicator:
        """`schemas`: other ones than the spec's."""
        schemas = schemas or world.spec.source.schemas
        path = project_root() / "include" / world.spec.replication.settings
        return cls(
            world.aws("dms"),
            world.aws("secretsmanager"),
            service=world.spec.service,
            schemas=schemas,
            settings=lambda: _read(path),
            outputs=lambda: world.outputs,
            clock=world.clock,
            cloudwatch=world.aws("cloudwatch"),
            batch_apply=world.spec.replication.batch_apply,
            watermarks=watermarks,
            longest_lob=lambda: longest_lob(world, schemas),
            trust=world.trust,
        )

    # Making ---------------------------------------------------------------------------------------
    def prepare(self, link: Link, *, full_load: bool, reader: Json, applier: Json) -> None:
        settings = task_settings(
            self.settings(),
            full_load=full_load,
            longest_lob=self.longest_lob() if full_load else None,
            batch_apply=self.batch_apply,
        )
        instance = self._output("replication_instance_arn")
        ends = {}
        for role, login in ((READER, reader), (APPLIER, applier)):
            self._put_secret(link, role, login)
            ends[role] = self._put_endpoint(link, role)
        if self.status(link).state in (TaskState.STARTING, TaskState.RUNNING):
            log.info("%s is running already; its connections are not tested again", link.name)
            return
        for role, arn in ends.items():
            self._test(instance, arn, f"{link.name}-{role}", reader if role == READER else applier)
        self._put_task(link, instance, ends, settings, full_load)
        self._wait(link, {TaskState.READY, TaskState.STOPPED, TaskState.FAILED}, "be made")

    def _output(self, name: str) -> str:
        value = str(getattr(self._outputs(), name) or "")
        if not value:
            raise SetupError(
                f"Terraform's output {name} is empty: the standing parts of DMS are not there",
                next_step="run the provision chapter with replication enabled",
            )
        return value

    def _put_secret(self, link: Link, role: str, login: Json) -> None:
        name = self._secret(link, role)
        content = json.dumps({k: login[k] for k in ("username", "password", "host", "port")}, sort_keys=True)
        try:
            found = self.secrets.get_secret_value(SecretId=name)["SecretString"]
        except ClientError as e:
            if _code(e) != "ResourceNotFoundException":
                raise
            self.secrets.create_secret(Name=name, SecretString=content)
            return
        if found != content:
            self.secrets.put_secret_value(SecretId=name, SecretString=content)

    def _secret(self, link: Link, role: str) -> str:
        return f"{self.service}/dms/{link.name}-{role}"

    def _put_endpoint(self, link: Link, role: str) -> str:
        name = f"{link.name}-{role}"
        wanted = {
            "SecretsManagerSecretId": self._secret(link, role),
            "SecretsManagerAccessRoleArn": self._output("dms_secrets_role_arn"),
            # one schema here is one schema there, whatever its name
            **({"TargetDbType": "multiple-databases"} if role == APPLIER else {}),
        }
        tls = self.certificates.encryption(link.reads if role == READER else link.writes)
        found = self._endpoint(name)
        if found is None:
            return self._patiently(
                lambda: str(
                    self.dms.create_endpoint(
                        EndpointIdentifier=name,
                        EndpointType=ROLES[role],
                        EngineName="mariadb",
                        MySQLSettings=wanted,
                        Tags=[{"Key": "livemove", "Value": self.service}],
                        **tls,
                    )["Endpoint"]["EndpointArn"]
                )
            )
        have = found.get("MySQLSettings") or {}
        other = [k for k, v in wanted.items() if have.get(k) != v]
        if other := other + [k for k, v in tls.items() if found.get(k) != v]:
            self._modify_endpoint(link, found, other, {"MySQLSettings": wanted, **tls})
        return str(found["EndpointArn"])

    def _modify_endpoint(self, link: Link, found: Json, other: list[str], wanted: Json) -> None:
        """DMS takes changes of an endpoint only while no task that uses it runs; nothing here stops one."""
        what = f"The endpoint {found['EndpointIdentifier']} differs in {', '.join(other)}"
        if (state := self.status(link).state) in AT_WORK:
            raise ReplicationError(
                f"{what}, and its task {link.name} is {state}",
                wanted="a task that rests: DMS changes no endpoint that is in use",
                next_step=(
                    f"stop {link.name} in the DMS console, clear this task, then start it again by clearing"
                    " start_cdc or return_path; it resumes where it stopped"
                ),
            )
        try:
            self.dms.modify_endpoint(EndpointArn=found["EndpointArn"], **wanted)
        except ClientError as e:
            raise _quoted(f"refused to change an endpoint. {what}", e) from e

    def _patiently(self, call: Callable[[], str]) -> str:
        for attempt in range(ROLE_TRIES):
            try:
                return call()
            except ClientError as e:
                if _code(e) not in ("AccessDeniedFault", "KMSAccessDeniedFault") or attempt == ROLE_TRIES - 1:
                    raise _quoted("could not make an endpoint", e) from e
                self.clock.sleep(10)
        raise AssertionError("unreachable")

    def _test(self, instance: str, endpoint: str, name: str, login: Json) -> None:
        """Ask for a test and wait for its end; ReplicationError in DMS's words when it fails."""
        try:
            self.dms.test_connection(ReplicationInstanceArn=instance, EndpointArn=endpoint)
        except ClientError as e:
            # a test that is still running is as good
            if _code(e) != "InvalidResourceStateFault" or "testing" not in str(e):
                raise _quoted(f"refused to test the endpoint {name}", e) from e
        found = self._poll(
            lambda: self._connection(instance, endpoint), lambda c: c.get("Status") in TESTED, TEST_TIMEOUT
        )
        if found.get("Status") not in TESTED:
            raise ReplicationError(
                f"DMS did not finish the test of the endpoint {name} within {TEST_TIMEOUT:.0f} s"
            )
        if found["Status"] == "failed":
            raise ReplicationError(
                f"DMS cannot reach {login['username']}@{login['host']}:{login['port']} through the"
                f" endpoint {name}: {found.get('LastFailureMessage')}",
                wanted="a successful connection test",
                next_step="check firewall, account and secret; then clear this task",
            )

    def _connection(self, instance: str, endpoint: str) -> Json:
        try:
            found = self.dms.describe_connections(
                Filters=[
                    {"Name": "endpoint-arn", "Values": [endpoint]},
                    {"Name": "replication-instance-arn", "Values": [instance]},
                ]
            )["Connections"]
        except ClientError as e:
            if _code(e) == "ResourceNotFoundFault":
                return {}
            raise _quoted("could not tell the state of a connection", e) from e
        return dict(found[0]) if found else {}

    def _put_task(
        self, link: Link, instance: str, ends: dict[str, str], settings: str, full_load: bool
    ) -> None:
        kind = "full-load-and-cdc" if full_load else "cdc"
        mappings = table_mappings(self.schemas, link, watermarks=self.watermarks)
        found = self._task(link)
        if found is None:
            self.dms.create_replication_task(
                ReplicationTaskIdentifier=link.name,
                SourceEndpointArn=ends[READER],
                TargetEndpointArn=ends[APPLIER],
                ReplicationInstanceArn=instance,
                MigrationType=kind,
                TableMappings=mappings,
                ReplicationTaskSettings=settings,
                Tags=[{"Key": "livemove", "Value": self.service}],
            )
        elif found["Status"] == TaskState.READY and json.loads(
            found.get("TableMappings") or "{}"
        ) != json.loads(mappings):
            # never started, so it may still be corrected; a task that ran keeps what it ran with
            self.dms.modify_replication_task(
                ReplicationTaskArn=found["ReplicationTaskArn"],
                TableMappings=mappings,
                ReplicationTaskSettings=settings,
            )

    # Running --------------------------------------------------------------------------------------
    def start(self, link: Link, *, position: str | None = None) -> None:
        passing = {TaskState.CREATING, TaskState.MODIFYING, TaskState.STOPPING}
        kind = start_type(link, self._wait(link, set(TaskState) - passing, "come to rest"), self.tables(link))
        if kind is not None:
            more = {"CdcStartPosition": position} if position and kind == "start-replication" else {}
            arn = self._arn(link)
            log.info("%s: %s%s", link.name, kind, f" from {position}" if more else "")
            try:
                self.dms.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType=kind, **more)
            except ClientError as e:
                raise _quoted(f"refused to start {link.name}", e) from e
        found = self._wait(link, {TaskState.RUNNING, TaskState.STOPPED, TaskState.FAILED}, "start")
        if found.state is TaskState.FAILED:
            raise ReplicationError(
                f"The replication task {link.name} failed to start: {describe_status(found)}",
                next_step="fix what DMS names, then clear this task",
            )

    def stop(self, link: Link) -> None:
        status = self.status(link)
        if status.state in (TaskState.ABSENT, TaskState.READY, TaskState.STOPPED, TaskState.FAILED):
            return
        if status.state in (TaskState.STARTING, TaskState.RUNNING):
            try:
                self.dms.stop_replication_task(ReplicationTaskArn=self._arn(link))
            except ClientError as e:
                # it ended by itself meanwhile, or is stopping already: the wait tells
                if _code(e) != "InvalidResourceStateFault":
                    raise _quoted(f"refused to stop {link.name}", e) from e
        ended = self._wait(
            link, {TaskState.ABSENT, TaskState.READY, TaskState.STOPPED, TaskState.FAILED}, "stop"
        )
        log.info("%s is %s: %s", link.name, ended.state, describe_status(ended))

    def reload(self, link: Link, tables: Sequence[tuple[str, str]]) -> None:
        wanted = [{"SchemaName": s, "TableName": t} for s, t in tables]
        try:
            self.dms.reload_tables(ReplicationTaskArn=self._arn(link), TablesToReload=wanted)
        except ClientError as e:
            raise _quoted(f"refused to reload tables of {link.name}", e) from e

    def delete(self, link: Link) -> None:
        self.stop(link)
        if self.status(link).state is not TaskState.ABSENT:
            self._forgiving(lambda: self.dms.delete_replication_task(ReplicationTaskArn=self._arn(link)))
            self._wait(link, {TaskState.ABSENT}, "be deleted")
        for role in (READER, APPLIER):
            found = self._endpoint(f"{link.name}-{role}")
            if found is not None:
                arn = found["EndpointArn"]
                self._forgiving(lambda arn=arn: self.dms.delete_endpoint(EndpointArn=arn))  # type: ignore[misc]
                self._wait_endpoint_gone(f"{link.name}-{role}")
            name = self._secret(link, role)
            self._forgiving(
                lambda name=name: self.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)  # type: ignore[misc]
            )
        self.certificates.remove()

    def _forgiving(self, call: Callable[[], Any]) -> None:
        """What is gone already need not be deleted."""
        try:
            call()
        except ClientError as e:
            if _code(e) not in ("ResourceNotFoundFault", "ResourceNotFoundException"):
                raise _quoted("refused a deletion", e) from e

    # Looking --------------------------------------------------------------------------------------
    def status(self, link: Link) -> ReplicationStatus:
        found = self._task(link)
        if found is None:
            return ReplicationStatus(TaskState.ABSENT)
        stats = found.get("ReplicationTaskStats") or {}
        percent = int(stats.get("FullLoadProgressPercent") or 0)
        open_tables = sum(int(stats.get(k) or 0) for k in ("TablesLoading", "TablesQueued", "TablesErrored"))
        return ReplicationStatus(
            state=TaskState(found["Status"]) if found["Status"] in set(TaskState) else TaskState.MODIFYING,
            stop_reason=found.get("StopReason") or "",
            failure=found.get("LastFailureMessage") or "",
            checkpoint=found.get("RecoveryCheckpoint") or "",
            full_load_percent=percent,
            full_load_done=percent == 100 and open_tables == 0 and self._past_its_load(found),
            started_from=found.get("CdcStartPosition") or "",
            full_load_seconds=_seconds(stats.get("FullLoadStartDate"), stats.get("FullLoadFinishDate")),
        )

    def _past_its_load(self, task: Json) -> bool:
        """It has stopped after its load, or gone on from there: started too early, it would not start."""
        ended = (task.get("ReplicationTaskStats") or {}).get("FullLoadFinishDate")
        if ended is None or task["Status"] not in (TaskState.RUNNING, TaskState.STOPPING):
            return True
        return bool(self.clock.now() - ended > ABOUT_TO_STOP)

    def tables(self, link: Link) -> list[TableProgress]:
        found = self._task(link)
        if found is None:
            return []
        return [
            TableProgress(
                schema=t["SchemaName"],
                table=t["TableName"],
                state=t["TableState"],
                full_load_rows=int(t.get("FullLoadRows") or 0),
                full_load_errors=int(t.get("FullLoadErrorRows") or 0),
                inserts=int(t.get("Inserts") or 0),
                updates=int(t.get("Updates") or 0),
                deletes=int(t.get("Deletes") or 0),
                loaded=is_loaded(t),
                pending=int(t.get("ValidationPendingRecords") or 0),
                failed=int(t.get("ValidationFailedRecords") or 0),
                applied=sum(
                    int(t.get(k) or 0) for k in ("AppliedInserts", "AppliedUpdates", "AppliedDeletes")
                ),
                validation=t.get("ValidationState") or "",
                message=t.get("ValidationStateDetails") or "",
            )
            for t in self._pages(
                self.dms.get_paginator("describe_table_statistics"),
                "TableStatistics",
                ReplicationTaskArn=found["ReplicationTaskArn"],
            )
        ]

    def diagnostics(self, link: Link) -> Json:
        return {
            "failures": self._told(lambda: self._failures(link), f"events of {link.name}"),
            "latency": self._told(lambda: self._latency(link), f"metrics of {link.name}") or {},
        }

    def _told(self, ask: Callable[[], Any], what: str) -> Any:
        """None where DMS or CloudWatch does not answer: they decide nothing and must not end a wait."""
        try:
            return ask()
        except (ClientError, BotoCoreError, LivemoveError) as e:
            log.warning("DMS's %s cannot be read: %s", what, e)
            return None

    def _failures(self, link: Link) -> list[str]:
        task = self._task(link)
        if task is None:
            return []
        now = self.clock.now()
        made = task.get("ReplicationTaskCreationDate") or now - EVENTS_BACK
        found = self._pages(
            self.dms.get_paginator("describe_events"),
            "Events",
            SourceType="replication-task",
            SourceIdentifier=link.name,
            EventCategories=["failure"],
            StartTime=max(made, now - EVENTS_BACK),
            EndTime=now,
        )
        return [f"{utc(e['Date'])} {e['Message']}" for e in found]

    def _latency(self, link: Link) -> dict[str, float]:
        task = self._task(link)
        if self.cloudwatch is None or task is None:
            return {}
        now, out = self.clock.now(), {}
        for metric in ("CDCLatencySource", "CDCLatencyTarget"):
            points = self.cloudwatch.get_metric_statistics(
                Namespace="AWS/DMS",
                MetricName=metric,
                Dimensions=[
                    {
                        "Name": "ReplicationInstanceIdentifier",
                        "Value": self._instance(task["ReplicationInstanceArn"]),
                    },
                    {"Name": "ReplicationTaskIdentifier", "Value": resource_of(task["ReplicationTaskArn"])},
                ],
                StartTime=now - timedelta(minutes=10),
                EndTime=now + timedelta(minutes=1),
                Period=60,
                Statistics=["Maximum"],
            )["Datapoints"]
            if points:
                out[metric] = float(max(points, key=lambda p: p["Timestamp"])["Maximum"])
        return out

    def _instance(self, arn: str) -> str:
        only = [{"Name": "replication-instance-arn", "Values": [arn]}]
        found = self.dms.describe_replication_instances(Filters=only)["ReplicationInstances"]
        return str(found[0]["ReplicationInstanceIdentifier"])

    def links(self) -> list[Link]:
        service = self.service.replace("_", "-")
        sides = "|".join(Side)
        shape = re.compile(rf"{re.escape(service)}-e(\d+)-({sides})-to-(?:{sides})(?:-{READER}|-{APPLIER})?")
        names = [
            t["ReplicationTaskIdentifier"]
            for t in self._pages(
                self.dms.get_paginator("describe_replication_tasks"), "ReplicationTasks", WithoutSettings=True
            )
        ]
        names += [
            e["EndpointIdentifier"]
            for e in self._pages(self.dms.get_paginator("describe_endpoints"), "Endpoints")
        ]
        found = {
            Link(self.service, int(m[1]), Side(m[2])) for n in names if (m := shape.fullmatch(n.lower()))
        }
        return sorted(found, key=lambda k: k.epoch)

    def _pages(self, paginator: Any, key: str, **arguments: Any) -> Iterator[Json]:
        """All that DMS lists; nothing where it has no such resource."""
        pages = paginator.paginate(PaginationConfig={"PageSize": 100}, **arguments)
        try:
            for page in pages:
                yield from page[key]
        except ClientError as e:
            if _code(e) != "ResourceNotFoundFault":
                raise _quoted(f"did not answer about {key}", e) from e
        except BotoCoreError as e:
            raise UnreachableError(f"DMS does not answer: {e}") from e

    def _task(self, link: Link) -> Json | None:
        only = [{"Name": "replication-task-id", "Values": [link.name]}]
        return next(
            self._pages(
                self.dms.get_paginator("describe_replication_tasks"), "ReplicationTasks", Filters=only
            ),
            None,
        )

    def _endpoint(self, name: str) -> Json | None:
        only = [{"Name": "endpoint-id", "Values": [name]}]
        return next(
            self._pages(self.dms.get_paginator("describe_endpoints"), "Endpoints", Filters=only), None
        )

    def _arn(self, link: Link) -> str:
        found = self._task(link)
        if found is None:
            raise ReplicationError(
                f"DMS has no replication task {link.name}", next_step="clear the task that prepares it"
            )
        return str(found["ReplicationTaskArn"])

    def _wait(self, link: Link, states: set[TaskState], what: str) -> ReplicationStatus:
        deadline, voice = Deadline(self.clock, TASK_TIMEOUT), LogThrottle()

        def look() -> ReplicationStatus:
            status, waited = self.status(link), deadline.waited
            text = f"{link.name} is {status.state}; waiting for it to {what}, {waited:.0f} s so far"
            if status.state not in states and (line := voice.line(text, waited)):
                log.info("%s", line)
            return status

        status = poll_until(look, deadline, every=_pauses(deadline), done=lambda s: s.state in states)
        if status.state not in states:
            raise ReplicationError(
                f"The replication task {link.name} did not {what} within {TASK_TIMEOUT:.0f} s:"
                f" {describe_status(status)}",
                next_step="look at it in the DMS console, then clear this task",
            )
        return status

    def _wait_endpoint_gone(self, name: str) -> None:
        if not self._poll(lambda: self._endpoint(name) is None, bool, TASK_TIMEOUT):
            raise ReplicationError(f"DMS did not delete the endpoint {name} within {TASK_TIMEOUT:.0f} s")

    def _poll[T](self, look: Callable[[], T], done: Callable[[T], bool], seconds: float) -> T:
        deadline = Deadline(self.clock, seconds)
        return poll_until(look, deadline, every=_pauses(deadline), done=done)


def _pauses(deadline: Deadline) -> Iterator[float]:
    """Short at first, then up to 10 s."""
    while True:
        yield min(10.0, max(0.2, deadline.waited / 4))


def resource_of(arn: str) -> str:
    """The last part of a task's ARN: CloudWatch and the control tables know the task by it, not by its name.

    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Monitoring.html
    """
    return arn.rpartition(":")[2]


def is_loaded(table: Json) -> bool:
    """True when the full load of this table is over and went well."""
    return bool(table.get("FullLoadEndTime")) and table["TableState"] not in UNLOADED


def longest_lob(world: ServiceContext, schemas: tuple[str, ...]) -> int | None:
    """Bytes of the longest LOB on the source; None when one column takes too long to look at."""
    from livemove.replication.adapters.lob_lengths import LOB_SECONDS, longest_lobs
    from livemove.runtime.mariadb import sql

    with world.database(Side.SOURCE) as db:
        columns = db.rows(sql("replication/list_lob_columns"), {"schemas": schemas})
        found = longest_lobs(db, columns, {}, LOB_SECONDS)
    lengths = [lob.longest for lob in found]
    return None if None in lengths else max((n for n in lengths if n is not None), default=0)


def _read(path: Any) -> str:
    try:
        return str(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise SetupError(
            f"The DMS task settings {path} cannot be read ({e.strerror})",
            wanted="a file under include/, as replication.settings of the spec names it",
        ) from e


def _seconds(began: Any, ended: Any) -> float | None:
    return round(float((ended - began).total_seconds()), 1) if began and ended else None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _quoted(what: str, error: ClientError) -> ReplicationError:
    return ReplicationError(f"DMS {what}: {_code(error)}: {error.response['Error'].get('Message', '')}")
