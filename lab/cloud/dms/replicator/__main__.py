import sys
from pathlib import Path

from lab.cloud.dms.replicator.job import Job

if len(sys.argv) != 2:
    raise SystemExit("usage: python -m lab.cloud.dms.replicator <task folder>")
raise SystemExit(Job(Path(sys.argv[1])).run())
