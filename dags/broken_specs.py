"""Shows specs that are wrong as an import error of their own, naming file and line. It holds no DAG.

Airflow keeps import errors by file, and hides all DAGs of a file that has one. Raised in `migrate.py`, a slip
in one spec would stop the running migration of another service.
"""

from __future__ import annotations

from livemove.model.errors import SpecError
from livemove.model.spec import load_spec, spec_files

broken = []
for path in spec_files():
    try:
        load_spec(path)
    except SpecError as e:
        broken.append(str(e))
if broken:
    # no "airflow" traceback helps here: the message alone says where the DAG of that spec has gone
    raise SpecError("\n".join(broken))
