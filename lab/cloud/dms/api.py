"""The DMS API of the lab: moto's wire format, our own tasks and connections behind it.

`install` puts it in moto's place. Actions are methods in snake case, which is how moto finds them.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import moto.dms.urls as dms_urls
from moto.cloudwatch.models import cloudwatch_backends
from moto.dms.exceptions import (
    InvalidParameterCombinationException,
    InvalidResourceStateFault,
    ResourceAlreadyExistsFault,
    ResourceNotFoundFault,
)
from moto.dms.models import FakeReplicationInstance, FakeReplicationSubnetGroup, dms_backends
from moto.dms.responses import DatabaseMigrationServiceResponse
from moto.dms.utils import filter_tasks
from moto.ec2.models import ec2_backends
from moto.moto_api import state_manager
from moto.s3.models import s3_backends

from lab.addresses import state_dir
from lab.cloud.dms import certificates, pace, wire
from lab.cloud.dms.assessments import CANCELLED, NAMES, RUNNING, Run, assess, resource_id
from lab.cloud.dms.connections import Connection
from lab.cloud.dms.credentials import NoAccess, Where, grant_replay, login_of, test_login, unanswered
from lab.cloud.dms.metrics import publish
from lab.cloud.dms.replicator.description import Login, StartType
from lab.cloud.dms.tasks import RESTING, Event, InvalidCombination, InvalidState, Task, TaskState
from lab.cloud.patching import wrap
from lab.processes import Registry

Parameters = dict[str, Any]


def install() -> None:
    """Take over moto's DMS. Once per process, before the first request."""
    state_manager.set_transition(
        "dms::replicationinstance", {"progression": "time", "seconds": pace.INSTANCE_AVAILABLE.lab}
    )
    dms_urls.url_paths["{0}/$"] = DmsResponse.dispatch
    _complete_instances()
    _complete_subnet_groups()
    publish_metrics()


def _complete_instances() -> None:
    @wrap(FakeReplicationInstance, "to_dict")
    def to_dict(original: Any, self: Any) -> dict[str, Any]:
        out: dict[str, Any] = original(self)
        out["AvailabilityZone"] = out["AvailabilityZone"] or f"{self.region}a"
        out["KmsKeyId"] = out["KmsKeyId"] or f"arn:aws:kms:{self.region}:123456789012:key/dms"
        out["EngineVersion"] = out["EngineVersion"] or "3.5.4"
        if hasattr(self, "deleted"):
            out["ReplicationInstanceStatus"] = "deleting"
        group = getattr(self, "subnet_group", None)
        if group is not None:
            out["ReplicationSubnetGroup"] = group.to_dict()
        return out


def _complete_subnet_groups() -> None:
    @wrap(FakeReplicationSubnetGroup, "to_dict")
    def to_dict(original: Any, self: Any) -> dict[str, Any]:
        out: dict[str, Any] = original(self)
        ec2 = getattr(self, "ec2", None)
        if ec2 is not None and self.subnetIds:
            subnets = [ec2.get_subnet(s) for s in self.subnetIds]
            out["VpcId"] = subnets[0].vpc_id
            out["Subnets"] = [
                {
                    "SubnetIdentifier": s.id,
                    "SubnetStatus": "Active",
                    "SubnetAvailabilityZone": {"Name": s.availability_zone},
                }
                for s in subnets
            ]
        return out


def list_of(backend: Any, name: str) -> list[Any]:
    found: list[Any] = backend.__dict__.setdefault(name, [])
    return found


def publish_metrics() -> None:
    """Tell moto's CloudWatch of every running task."""

    def tasks() -> Iterator[tuple[Task, str]]:
        for regions in dms_backends.values():
            for backend in list(regions.values()):
                for task in list(backend.replication_tasks.values()):
                    instance = backend.replication_instances.get(task.replication_instance_arn)
                    yield task, instance.id if instance else ""

    def put(namespace: str, data: list[dict[str, Any]]) -> None:
        for account, regions in dms_backends.items():
            for region in regions:
                cloudwatch_backends[account][region].put_metric_data(namespace, data)

    publish(tasks, put)


def position_of(p: Parameters) -> str | None:
    """Where CDC begins: CdcStartPosition or CdcStartTime, both together are refused."""
    if p.get("CdcStartPosition") and p.get("CdcStartTime"):
        raise InvalidParameterCombinationException(
            "CdcStartPosition and CdcStartTime cannot both be specified"
        )
    if p.get("CdcStartTime"):
        return datetime.fromtimestamp(float(p["CdcStartTime"]), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    position: str | None = p.get("CdcStartPosition")
    return position


def epoch(value: Any) -> Any:
    """AWS sends times as numbers, moto as ISO text, which the Go SDK refuses. Nulls are left out."""
    if isinstance(value, list):
        return [epoch(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {
        k: (
            datetime.fromisoformat(v).timestamp()
            if isinstance(v, str) and k.endswith(("Date", "Time"))
            else epoch(v)
        )
        for k, v in value.items()
        if v is not None
    }


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Turn a task's refusals into DMS's faults."""
    try:
        yield
    except InvalidState as e:
        raise InvalidResourceStateFault(str(e)) from e
    except InvalidCombination as e:
        raise InvalidParameterCombinationException(str(e)) from e


class DmsResponse(DatabaseMigrationServiceResponse):  # type: ignore[misc]
    """One request; actions without a method here are moto's own."""

    def call_action(self) -> Any:
        status, headers, body = super().call_action()
        if status == 200 and body:
            body = json.dumps(epoch(json.loads(body)))
        return status, headers, body

    @property
    def given(self) -> Parameters:
        return dict(json.loads(self.body or "{}"))

    @property
    def where(self) -> Where:
        return Where(self.current_account, self.region)

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:dms:{self.region}:{self.current_account}:{kind}:{name}"

    # Tags and events ------------------------------------------------------------------------------
    def add_tags_to_resource(self) -> str:
        self.dms_backend.tagger.tag_resource(self.given["ResourceArn"], self.given["Tags"])
        return "{}"

    def remove_tags_from_resource(self) -> str:
        self.dms_backend.tagger.untag_resource_using_names(self.given["ResourceArn"], self.given["TagKeys"])
        return "{}"

    def describe_events(self) -> str:
        found = wire.chosen_events(self.events, self.given)
        return json.dumps({"Events": [wire.event(e) for e in found]})

    @property
    def events(self) -> list[Event]:
        """Events of all tasks ever made; kept in moto's backend, so that its reset forgets them."""
        return list_of(self.dms_backend, "livemove_events")

    # Subnet groups --------------------------------------------------------------------------------
    def create_replication_subnet_group(self) -> str:
        super().create_replication_subnet_group()
        name = self.given["ReplicationSubnetGroupIdentifier"]
        group = self.dms_backend.replication_subnet_groups[name]
        group.subnetIds, group.ec2 = self.given["SubnetIds"], ec2_backends[self.current_account][self.region]
        self.dms_backend.tagger.tag_resource(self.arn("subgrp", name), self.given.get("Tags") or [])
        return json.dumps({"ReplicationSubnetGroup": group.to_dict()})

    def modify_replication_subnet_group(self) -> str:
        group = self.dms_backend.replication_subnet_groups.get(self.given["ReplicationSubnetGroupIdentifier"])
        if group is None:
            raise ResourceNotFoundFault("Replication subnet group could not be found.")
        group.subnetIds = self.given["SubnetIds"]
        group.description = self.given.get("ReplicationSubnetGroupDescription", group.description)
        return json.dumps({"ReplicationSubnetGroup": group.to_dict()})

    def delete_replication_subnet_group(self) -> str:
        name = self.given["ReplicationSubnetGroupIdentifier"]
        if any(
            i.replication_subnet_group_identifier == name
            for i in self.dms_backend.replication_instances.values()
        ):
            raise InvalidResourceStateFault(
                f"Replication subnet group {name} is in use by a replication instance"
            )
        return str(super().delete_replication_subnet_group())

    def describe_replication_subnet_groups(self) -> str:
        return self._some(
            super().describe_replication_subnet_groups(),
            "ReplicationSubnetGroups",
            "replication subnet groups",
        )

    def _some(self, body: str, key: str, what: str) -> str:
        """AWS answers a filter that matches nothing with a fault."""
        if self.given.get("Filters") and not json.loads(body)[key]:
            raise ResourceNotFoundFault(f"No {what} found matching given filter")
        return body

    # Instances ------------------------------------------------------------------------------------
    def create_replication_instance(self) -> str:
        body = str(super().create_replication_instance())
        instance = self.dms_backend.replication_instances[
            json.loads(body)["ReplicationInstance"]["ReplicationInstanceArn"]
        ]
        instance.subnet_group = self.dms_backend.replication_subnet_groups.get(
            instance.replication_subnet_group_identifier
        )
        return json.dumps({"ReplicationInstance": instance.to_dict()})

    def describe_replication_instances(self) -> str:
        for arn, instance in list(self.dms_backend.replication_instances.items()):
            if time.time() > getattr(instance, "deleted", float("inf")):
                self.dms_backend.delete_replication_instance(arn)
        return self._some(
            super().describe_replication_instances(), "ReplicationInstances", "replication instances"
        )

    def delete_replication_instance(self) -> str:
        arn = self.given["ReplicationInstanceArn"]
        instance = self.dms_backend.replication_instances.get(arn)
        if instance is None:
            raise ResourceNotFoundFault("Replication instance could not be found.")
        using = [t.id for t in self.tasks() if t.replication_instance_arn == arn]
        if using:
            raise InvalidResourceStateFault(
                f"Replication Instance {instance.id} cannot be deleted, it has replication tasks:"
                f" {', '.join(using)}"
            )
        instance.deleted = time.time() + pace.INSTANCE_DELETED.lab
        return json.dumps({"ReplicationInstance": instance.to_dict()})

    # Endpoints ------------------------------------------------------------------------------------
    def create_endpoint(self) -> str:
        name = self.given["EndpointIdentifier"]
        if name in self.dms_backend.endpoints:
            raise ResourceAlreadyExistsFault(f"Endpoint {name} already exists.")
        certificates.check(self.given.get("SslMode"), self.given.get("CertificateArn"))
        super().create_endpoint()
        endpoint = self.dms_backend.endpoints[name]
        endpoint.status = "active"
        return json.dumps({"Endpoint": wire.endpoint(endpoint)})

    def describe_endpoints(self) -> str:
        found = json.loads(super().describe_endpoints())["Endpoints"]
        return self._some(json.dumps({"Endpoints": [wire.hide(e) for e in found]}), "Endpoints", "endpoints")

    def modify_endpoint(self) -> str:
        """Only while no task that uses it runs.

        So users report (https://github.com/hashicorp/terraform-provider-aws/issues/27661: "the task needs to
        be paused"); AWS's own words are not quoted there, so these are the fault's from the API reference.
        https://docs.aws.amazon.com/dms/latest/APIReference/API_ModifyEndpoint.html
        """
        endpoint = self.endpoint(self.given["EndpointArn"])
        for task in self.tasks():
            used = endpoint.endpoint_arn in (task.source_endpoint_arn, task.target_endpoint_arn)
            if used and task.now() not in RESTING:
                raise InvalidResourceStateFault(
                    "The resource is in a state that prevents it from being used for database migration."
                    f" Endpoint {endpoint.endpoint_identifier} is used by the replication task {task.id},"
                    f" which is {task.now()}"
                )
        certificates.check(
            self.given.get("SslMode", endpoint.ssl_mode),
            self.given.get("CertificateArn", endpoint.certificate_arn),
        )
        for key, attribute in wire.ENDPOINT_FIELDS.items():
            if key in self.given:
                setattr(endpoint, attribute, self.given[key])
        return json.dumps({"Endpoint": wire.endpoint(endpoint)})

    def delete_endpoint(self) -> str:
        endpoint = self.endpoint(self.given["EndpointArn"])
        using = [
            t.id
            for t in self.tasks()
            if endpoint.endpoint_arn in (t.source_endpoint_arn, t.target_endpoint_arn)
        ]
        if using:
            raise InvalidResourceStateFault(
                f"Endpoint {endpoint.endpoint_identifier} is part of one or more ReplicationTasks:"
                f" {', '.join(using)}"
            )
        endpoint.status = "deleting"
        body = json.dumps({"Endpoint": wire.endpoint(endpoint)})
        self.dms_backend.delete_endpoint(endpoint.endpoint_arn)
        return body

    def endpoint(self, arn: str) -> Any:
        for endpoint in self.dms_backend.endpoints.values():
            if endpoint.endpoint_arn == arn:
                return endpoint
        raise ResourceNotFoundFault("Endpoint could not be found.")

    # Certificates ---------------------------------------------------------------------------------
    def import_certificate(self) -> str:
        name, pem = self.given["CertificateIdentifier"], self.given.get("CertificatePem", "")
        made = certificates.take(name, pem, self.where)
        self.dms_backend.tagger.tag_resource(made["CertificateArn"], self.given.get("Tags") or [])
        return json.dumps({"Certificate": made})

    def describe_certificates(self) -> str:
        return json.dumps({"Certificates": certificates.listed()})

    def delete_certificate(self) -> str:
        arn = self.given["CertificateArn"]
        using = [
            e.endpoint_identifier for e in self.dms_backend.endpoints.values() if e.certificate_arn == arn
        ]
        return json.dumps({"Certificate": certificates.give_up(arn, using)})

    # Connections ----------------------------------------------------------------------------------
    def test_connection(self) -> str:
        instance = self.dms_backend.replication_instances.get(self.given["ReplicationInstanceArn"])
        if instance is None:
            raise ResourceNotFoundFault("Replication instance could not be found.")
        endpoint = self.endpoint(self.given["EndpointArn"])
        connection = self.connection(instance.arn, endpoint.endpoint_arn)
        if connection is None:
            connection = Connection(
                instance.arn, endpoint.endpoint_arn, instance.id, endpoint.endpoint_identifier
            )
            self.dms_backend.connections.append(connection)
        where = self.where

        def attempt() -> str:
            try:
                login = login_of(endpoint, where, instance)
            except NoAccess as e:
                return f"Test Endpoint failed: Application-Status: 1020912, Application-Message: {e}"
            if endpoint.endpoint_type == "target":
                grant_replay(login, Registry(state_dir()))
            return test_login(login)

        connection.test(attempt)
        return json.dumps({"Connection": connection.to_dict()})

    def connection(self, instance: str, endpoint: str) -> Connection | None:
        return next(
            (
                c
                for c in self.dms_backend.connections
                if c.replication_instance_arn == instance and c.endpoint_arn == endpoint
            ),
            None,
        )

    def describe_connections(self) -> str:
        found = [c.to_dict() for c in self.dms_backend.connections]
        for f in self.given.get("Filters") or []:
            key = {"endpoint-arn": "EndpointArn", "replication-instance-arn": "ReplicationInstanceArn"}[
                f["Name"]
            ]
            found = [c for c in found if c[key] in f["Values"]]
        return json.dumps({"Connections": found})

    def delete_connection(self) -> str:
        connection = self.connection(self.given["ReplicationInstanceArn"], self.given["EndpointArn"])
        if connection is None:
            raise ResourceNotFoundFault("Connection could not be found.")
        self.dms_backend.connections.remove(connection)
        return json.dumps({"Connection": {**connection.to_dict(), "Status": "deleting"}})

    # Tasks ----------------------------------------------------------------------------------------
    def tasks(self) -> list[Task]:
        """All tasks that are still there."""
        known = self.dms_backend.replication_tasks
        for arn, task in list(known.items()):
            if task.now() is TaskState.GONE:
                known.pop(arn, None)
        return list(known.values())

    def task(self) -> Task:
        arn = self.given["ReplicationTaskArn"]
        for task in self.tasks():
            if task.arn == arn:
                return task
        raise ResourceNotFoundFault("Replication task could not be found.")

    def create_replication_task(self) -> str:
        p = self.given
        name, arn = p["ReplicationTaskIdentifier"], self.arn("task", resource_id())
        if any(t.id == name for t in self.tasks()):
            raise ResourceAlreadyExistsFault(f"Replication Task {name} already exists.")
        for end in ("SourceEndpointArn", "TargetEndpointArn"):
            self.endpoint(p[end])
        if p["ReplicationInstanceArn"] not in self.dms_backend.replication_instances:
            raise ResourceNotFoundFault("Replication instance could not be found.")
        wire.require_json(p["TableMappings"], "TableMappings")
        wire.require_settings(p.get("ReplicationTaskSettings"))
        task = Task(
            id=name,
            arn=arn,
            migration_type=p["MigrationType"],
            source_endpoint_arn=p["SourceEndpointArn"],
            target_endpoint_arn=p["TargetEndpointArn"],
            replication_instance_arn=p["ReplicationInstanceArn"],
            table_mappings=p["TableMappings"],
            replication_task_settings=p.get("ReplicationTaskSettings") or "{}",
            folder=state_dir() / "dms" / name,
            registry=Registry(state_dir()),
            cdc_start_position=position_of(p),
            cdc_stop_position=p.get("CdcStopPosition"),
            events=self.events,
        )
        self.dms_backend.replication_tasks[arn] = task
        if p.get("Tags"):
            self.dms_backend.tagger.tag_resource(arn, p["Tags"])
        return json.dumps({"ReplicationTask": wire.task(task)})

    def describe_replication_tasks(self) -> str:
        self.tasks()
        found = filter_tasks(self.tasks(), self.given.get("Filters") or [])
        bare = bool(self.given.get("WithoutSettings"))
        return self._some(
            json.dumps({"ReplicationTasks": [wire.task(t, bare=bare) for t in found]}),
            "ReplicationTasks",
            "Tasks",
        )

    def start_replication_task(self) -> str:
        task, p = self.task(), self.given
        source, target = self.logins(task)
        with faults():
            task.start(
                StartType(p["StartReplicationTaskType"]),
                source,
                target,
                position_of(p),
                p.get("CdcStopPosition"),
            )
        return json.dumps({"ReplicationTask": wire.task(task)})

    def logins(self, task: Task) -> tuple[Login, Login]:
        """Logins of both ends; refused unless each was tested and let in from this instance."""
        for arn in (task.source_endpoint_arn, task.target_endpoint_arn):
            connection = self.connection(task.replication_instance_arn, arn)
            if connection is None or connection.status != "successful":
                raise InvalidResourceStateFault(
                    "Test connection for replication instance and endpoint should be successful for starting"
                    " the replication task"
                )
        instance = self.dms_backend.replication_instances.get(task.replication_instance_arn)
        try:
            source = login_of(self.endpoint(task.source_endpoint_arn), self.where, instance)
            target = login_of(self.endpoint(task.target_endpoint_arn), self.where, instance)
        except NoAccess as e:
            raise InvalidResourceStateFault(str(e)) from e
        grant_replay(target, task.registry)
        return source, target

    def stop_replication_task(self) -> str:
        task = self.task()
        with faults():
            task.stop()
        return json.dumps({"ReplicationTask": wire.task(task)})

    def modify_replication_task(self) -> str:
        task, p = self.task(), self.given
        wire.require_settings(p.get("ReplicationTaskSettings"))
        with faults():
            task.modify(
                table_mappings=p.get("TableMappings"),
                replication_task_settings=p.get("ReplicationTaskSettings"),
                migration_type=p.get("MigrationType"),
                cdc_start_position=position_of(p),
                cdc_stop_position=p.get("CdcStopPosition"),
                id=p.get("ReplicationTaskIdentifier"),
            )
        return json.dumps({"ReplicationTask": wire.task(task)})

    def delete_replication_task(self) -> str:
        task = self.task()
        with faults():
            task.delete()
        return json.dumps({"ReplicationTask": wire.task(task)})

    def describe_table_statistics(self) -> str:
        task, p = self.task(), self.given
        return json.dumps(
            {
                "ReplicationTaskArn": task.arn,
                **wire.statistics(task, p.get("Filters") or [], p.get("MaxRecords"), p.get("Marker")),
            }
        )

    def reload_tables(self) -> str:
        task = self.task()
        with faults():
            task.reload([(t["SchemaName"], t["TableName"]) for t in self.given["TablesToReload"]])
        return json.dumps({"ReplicationTaskArn": task.arn})

    # Assessments ----------------------------------------------------------------------------------
    @property
    def runs(self) -> list[Run]:
        return list_of(self.dms_backend, "livemove_assessments")

    def run(self) -> Run:
        arn = self.given["ReplicationTaskAssessmentRunArn"]
        found = next((r for r in self.runs if r.arn == arn), None)
        if found is None:
            raise ResourceNotFoundFault("Replication task assessment run could not be found.")
        return found

    def shown(self, run: Run) -> dict[str, Any]:
        return run.to_dict(run is [r for r in self.runs if r.task_arn == run.task_arn][-1])

    def describe_applicable_individual_assessments(self) -> str:
        return json.dumps({"IndividualAssessmentNames": list(NAMES)})

    def start_replication_task_assessment_run(self) -> str:
        task, p = self.task(), self.given
        if task.now() not in RESTING:
            raise InvalidResourceStateFault(
                f"Replication task assessment run cannot be started, invalid state: {task.now()}"
            )
        unknown = {*(p.get("IncludeOnly") or ()), *(p.get("Exclude") or ())} - {*NAMES}
        if unknown:
            raise InvalidParameterCombinationException(
                f"Unknown individual assessments: {', '.join(sorted(unknown))}"
            )
        source, target = self.logins(task)
        wanted = tuple(n for n in p.get("IncludeOnly") or NAMES if n not in (p.get("Exclude") or ()))
        run = Run(
            self.arn("assessment-run", resource_id()),
            task.arn,
            p["AssessmentRunName"],
            p["ServiceAccessRoleArn"],
            p["ResultLocationBucket"],
            p.get("ResultLocationFolder") or "",
            wanted,
        )
        s3 = s3_backends[self.current_account]["aws"]

        instance = self.dms_backend.replication_instances[task.replication_instance_arn]

        def keep(done: Run) -> None:
            if why := unanswered(instance, "s3"):
                raise OSError(f"The results could not be written to {done.bucket}: {why}")
            s3.put_object(done.bucket, f"{done.folder}/{done.name}.json".lstrip("/"), done.report().encode())

        self.runs.append(run)
        body = json.dumps({"ReplicationTaskAssessmentRun": self.shown(run)})
        run.start(lambda: assess(source, target, json.loads(task.table_mappings)), keep)
        return body

    def describe_replication_task_assessment_runs(self) -> str:
        found = [self.shown(r) for r in self._filtered_runs()]
        return json.dumps({"ReplicationTaskAssessmentRuns": found})

    def describe_replication_task_individual_assessments(self) -> str:
        found = [a for r in self._filtered_runs() for a in r.individual()]
        return json.dumps({"ReplicationTaskIndividualAssessments": found})

    def _filtered_runs(self) -> list[Run]:
        found = self.runs
        for f in self.given.get("Filters") or []:
            key = {
                "replication-task-assessment-run-arn": "arn",
                "replication-task-arn": "task_arn",
                "status": "status",
            }[f["Name"]]
            found = [r for r in found if getattr(r, key) in f["Values"]]
        return found

    def cancel_replication_task_assessment_run(self) -> str:
        run = self.run()
        if run.status != RUNNING:
            raise InvalidResourceStateFault(
                f"The assessment run cannot be cancelled, invalid state: {run.status}"
            )
        run.status = CANCELLED
        return json.dumps({"ReplicationTaskAssessmentRun": self.shown(run)})

    def delete_replication_task_assessment_run(self) -> str:
        run = self.run()
        body = json.dumps({"ReplicationTaskAssessmentRun": {**self.shown(run), "Status": "deleting"}})
        self.runs.remove(run)
        return body
