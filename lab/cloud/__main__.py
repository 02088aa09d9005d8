"""`python -m lab.cloud`: serve until TERM.

RDS servers and web hosts outlive it; the lab's `down` ends them.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import signal
import threading

# read when moto makes its IAM backend: AmazonSSMManagedInstanceCore and friends exist as on AWS
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from lab.cloud import ec2, network, pace, rds, route53, ssm
from lab.cloud.base import Cloud
from lab.cloud.gate import Endpoint

log = logging.getLogger("lab.cloud")


def install(cloud: Cloud) -> None:
    """Lay all patches over moto. Once per process, before the first request."""
    for service in (ec2, rds, ssm, route53, network):
        service.install(cloud)
    if importlib.util.find_spec("lab.cloud.dms") and importlib.util.find_spec("lab.cloud.dms.api"):
        importlib.import_module("lab.cloud.dms.api").install()
    else:
        log.warning("lab.cloud.dms.api is not there: DMS is moto's own")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # one line per request is of no use to anybody; set it to INFO to watch a client
    logging.getLogger("werkzeug").setLevel(os.environ.get("LIVEMOVE_LAB_REQUESTS", "WARNING"))
    cloud = Cloud.here()
    os.environ["MOTO_PORT"] = str(cloud.addresses.aws_port)
    install(cloud)
    server = Endpoint(cloud)
    server.start()
    for name, wait in pace.ALL.items():
        log.info("%s takes %.1f s here, on AWS %s", name, wait.lab, wait.aws)
    log.info("the AWS endpoint answers at %s, state in %s", cloud.addresses.endpoint_url, cloud.state)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    done.wait()
    server.stop()


if __name__ == "__main__":
    main()
