"""What the lab itself shows at the end of a rehearsal: ledger, owner, name, leftovers of DMS.

Read from outside the DAG, with the lab's own keys, so that the verdict does not rest on the DAG's word.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dns.message
import dns.query
import dns.rdataclass
import dns.rdatatype
import pymysql

from lab import secrets_file, status
from lab.addresses import here
from lab.mariadb import LAX
from lab.up import START_TTL, aws
from livemove.model.ledger import Outputs
from livemove.reporting import report
from livemove.reporting.html import Page
from livemove.reporting.report_model import Report
from livemove.reporting.report_page import page
from livemove.runtime.s3_ledger import S3Ledger

Json = dict[str, Any]
SIDES = ("source", "target")
LONGEST_LAG = 3600.0
"""Seconds; beyond it the follower has no row of today yet."""


class Evidence:
    """One service in the lab that stands now."""

    def __init__(self, service: str, bucket: str, client: Callable[[str], Any] = aws) -> None:
        self.service, self._client = service, client
        self.ledger = S3Ledger(client("s3"), bucket, service)

    def documents(self) -> dict[str, Json]:
        return {name: d.stored() for name, d in self.ledger.snapshot().documents.items()}

    def events(self) -> list[Json]:
        return [e.stored() for e in self.ledger.snapshot().events]

    def migration(self, title: str) -> Report:
        """The migration's own report, made now so that it covers the very end."""
        standing = {side: self._row(side) for side in SIDES}
        return report.build(
            title,
            self.ledger.snapshot(),
            now=datetime.now(UTC),
            service=self.service,
            standing=standing,
        )

    def page(self, title: str) -> Page:
        return page(self.migration(title))

    # The owner ------------------------------------------------------------------------------------
    def owner(self) -> str | None:
        """The side whose control row is OPEN; once the rows are removed, the last move of the ledger."""
        states = {side: self._control(side) for side in SIDES}
        open_sides = [side for side, state in states.items() if state == "OPEN"]
        if len(open_sides) == 1:
            return open_sides[0]
        if any(states.values()):
            return None
        last = report.build("", self.ledger.snapshot(), now=datetime.now(UTC)).owner
        return last and str(last)

    def standing(self) -> Json:
        """What the run left behind.

        {"source", "target": STATE@epoch or none, "replication": tasks, "ttl": old | short, "address"}.
        """
        addresses, ttl = self.answer()
        return {
            **{side: self._row(side) for side in SIDES},
            "replication": self._tasks(),
            "ttl": "old" if ttl == START_TTL else "short",
            "address": "source" if addresses == [here().idc] else "target",
        }

    def _row(self, side: str) -> str:
        with contextlib.suppress(pymysql.err.MySQLError, LookupError):
            with self.connect(side) as c, c.cursor() as cursor:
                cursor.execute("SELECT CONCAT(state, '@', epoch) FROM livemove.control")
                row = cursor.fetchone()
                return str(row[0]) if row else "none"
        return "none"

    def _tasks(self) -> list[str]:
        """Each DMS task of the service by epoch, with its status; endpoints without a task as well."""
        dms = self._client("dms")
        tasks = {
            t["ReplicationTaskIdentifier"]: t["Status"]
            for t in dms.describe_replication_tasks()["ReplicationTasks"]
        }
        ends = [e["EndpointIdentifier"] for e in dms.describe_endpoints()["Endpoints"]]
        lonely = {e.rsplit("-", 1)[0] for e in ends} - set(tasks)
        found = {**tasks, **dict.fromkeys(lonely, "endpoints only")}
        return [
            f"{name.removeprefix(self.service + '-').split('-')[0]} {found[name]}" for name in sorted(found)
        ]

    def answer(self) -> tuple[list[str], int]:
        """Addresses and TTL (seconds) of the name at the zone's first authority, whoever holds the zone."""
        question = dns.message.make_query(str(status.settings()["name"]), "A", flags=0)
        reply = dns.query.udp_with_fallback(question, here().authorities[0], timeout=5, port=here().dns)[0]
        rows = reply.get_rrset(reply.answer, question.question[0].name, dns.rdataclass.IN, dns.rdatatype.A)
        return ([], 0) if rows is None else (sorted(r.address for r in rows), rows.ttl)

    def _control(self, side: str) -> str | None:
        with contextlib.suppress(pymysql.err.MySQLError, LookupError):
            with self.connect(side) as c, c.cursor() as cursor:
                cursor.execute("SELECT state FROM livemove.control")
                row = cursor.fetchone()
                return str(row[0]) if row else None
        return None

    def connect(self, side: str, **options: Any) -> pymysql.Connection[Any]:
        """A superuser of the lab on that side; LookupError when there is no RDS instance."""
        secret = secrets_file.read()
        if side == "source":
            user, password, (host, port) = "root", secret["root"], (here().idc, here().mariadb_port)
        else:
            user, password, (host, port) = "rdsadmin", secret["rdsadmin"], self.target_address()
        return pymysql.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            charset="utf8mb4",
            autocommit=True,
            ssl=LAX,
            connect_timeout=5,
            read_timeout=60,
            **options,
        )

    def target_address(self) -> tuple[str, int]:
        outputs = self.ledger.load(Outputs)
        if not outputs:
            raise LookupError("no database in the cloud yet")
        return outputs.database_address, outputs.database_port

    def lag(self, schema: str) -> Json:
        """{"lag_s"}: age of the follower's newest order beyond the owner's, in seconds; None before CDC."""
        try:
            newest = [self._newest_order(side, schema) for side in SIDES]
        except (pymysql.err.MySQLError, LookupError):
            return {"lag_s": None}
        if None in newest:
            return {"lag_s": None}
        seconds = abs((newest[0] - newest[1]).total_seconds())
        # orders of the generated past are no lag
        return {"lag_s": seconds if seconds < LONGEST_LAG else None}

    def _newest_order(self, side: str, schema: str) -> Any:
        with self.connect(side) as c, c.cursor() as cursor:
            cursor.execute(f"SELECT created_at FROM `{schema}`.orders ORDER BY id DESC LIMIT 1")
            row = cursor.fetchone()
            return row[0] if row else None

    # What is left ---------------------------------------------------------------------------------
    def replication_leftovers(self) -> list[str]:
        """Names of all DMS tasks, endpoints and instances that still exist."""
        dms = self._client("dms")
        tasks = dms.describe_replication_tasks()["ReplicationTasks"]
        endpoints = dms.describe_endpoints()["Endpoints"]
        instances = dms.describe_replication_instances()["ReplicationInstances"]
        return (
            [f"task {t['ReplicationTaskIdentifier']}" for t in tasks]
            + [f"endpoint {e['EndpointIdentifier']}" for e in endpoints]
            + [f"instance {i['ReplicationInstanceIdentifier']}" for i in instances]
        )

    def replication(self, schema: str) -> Json:
        """{"rows": rows that DMS has brought to the target, "lag_s"}; no lag while there is no task."""
        dms, rows = self._client("dms"), 0
        tasks = dms.describe_replication_tasks()["ReplicationTasks"]
        for task in tasks:
            statistics = dms.describe_table_statistics(ReplicationTaskArn=task["ReplicationTaskArn"])
            rows += sum(t.get("FullLoadRows", 0) for t in statistics["TableStatistics"])
        if not tasks:
            return {"lag_s": None}
        # the tasks of reverse replication load nothing; what the first one loaded stays on view
        return {**({"rows": rows} if rows else {}), **self.lag(schema)}
