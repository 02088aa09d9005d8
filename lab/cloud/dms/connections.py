"""Connection tests: each really logs in, and a task may start only after two that succeeded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.cloud.dms import pace

log = logging.getLogger(__name__)


@dataclass
class Connection:
    """The last test of one endpoint from one replication instance."""

    replication_instance_arn: str
    endpoint_arn: str
    replication_instance_identifier: str
    endpoint_identifier: str
    status: str = "testing"
    failure: str = ""
    tested: float = field(default_factory=time.time)

    def test(self, attempt: Callable[[], str]) -> None:
        """Try in the background; `attempt` returns the failure, empty for success."""
        self.status, self.failure, self.tested = "testing", "", time.time()
        threading.Thread(target=self._test, args=(attempt,), daemon=True).start()

    def _test(self, attempt: Callable[[], str]) -> None:
        time.sleep(pace.CONNECTION_TEST.lab)
        try:
            failure = attempt()
        except Exception as e:
            log.exception("the test of %s broke", self.endpoint_identifier)
            failure = f"Test Endpoint failed: {type(e).__name__}: {e}"
        self.failure, self.status = failure, "failed" if failure else "successful"

    def advance(self) -> None:
        """Moto calls this on every connection that is described."""

    def to_dict(self) -> dict[str, str]:
        return {
            "ReplicationInstanceArn": self.replication_instance_arn,
            "EndpointArn": self.endpoint_arn,
            "Status": self.status,
            "LastFailureMessage": self.failure,
            "EndpointIdentifier": self.endpoint_identifier,
            "ReplicationInstanceIdentifier": self.replication_instance_identifier,
        }
