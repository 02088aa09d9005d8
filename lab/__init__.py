"""Stand-ins for a rehearsal: real servers on loopback addresses.

Never imported by plugins/ or dags/.
"""

import sys
from pathlib import Path

# Airflow puts plugins/ on the path of its own processes; `python -m lab` runs without Airflow
if (plugins := str(Path(__file__).resolve().parents[1] / "plugins")) not in sys.path:
    sys.path.insert(0, plugins)
