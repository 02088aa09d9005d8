"""Starts the Airflow components of a rehearsal on loopback and ends them again.

SQLite and LocalExecutor carry one DAG run well; everything (settings, database, logs, generated secrets)
lives in <state>/airflow. The components are registered like every process of the lab, so that `down` finds
them also after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.addresses import Addresses, root
from lab.processes import LabError, Registry
from lab.rehearsal.api import AirflowApi

COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")
USER = "admin"


class PortTakenError(LabError):
    """The API's port is in use by somebody else."""


def default_port() -> int:
    return int(os.environ.get("LIVEMOVE_AIRFLOW_PORT", "8080"))


class Airflow:
    """One Airflow on 127.0.0.1:`port`; `install`, `start`, `wait_for_dag`, `stop`."""

    def __init__(
        self, state: Path, addresses: Addresses, port: int | None = None, *, project: Path | None = None
    ) -> None:
        self.state, self.addresses = state, addresses
        self.port = port or default_port()
        self.project = project or root()
        self.home = state / "airflow"
        self.registry = Registry(state)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.home / "airflow.db"

    @property
    def password(self) -> str:
        return str(self._secrets()["password"])

    def api(self) -> AirflowApi:
        return AirflowApi(self.url, USER, self.password)

    # Settings -------------------------------------------------------------------------------------
    def _secrets(self) -> dict[str, str]:
        """Generated once per lab; they reach the components by their environment only."""
        path = self.home / "secrets.json"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            made = {
                "password": secrets.token_urlsafe(12),
                "jwt": secrets.token_urlsafe(48),
                "api": secrets.token_urlsafe(32),
                "fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            }
            _write_private(path, json.dumps(made))
            _write_private(self.home / "passwords.json", json.dumps({USER: made["password"]}))
        found: dict[str, str] = json.loads(path.read_text())
        return found

    def environment(self) -> dict[str, str]:
        """The components' whole environment: nothing of the caller's Airflow or AWS settings is in it."""
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("AIRFLOW_", "AWS_", "TF_VAR_", "LIVEMOVE_AIRFLOW")) and k != "PYTHONPATH"
        }
        # Terraform may be the one that setup downloaded; an ordinary user's PATH has no sbin on Debian
        kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", ""), "/usr/sbin"])
        return {**kept, **self._lab(), **self._settings(), **self._proxy(kept)}

    def _settings(self) -> dict[str, str]:
        made = self._secrets()
        sections: dict[str, dict[str, object]] = {
            "core": {
                "executor": "LocalExecutor",
                "parallelism": 4,
                "load_examples": False,
                "dags_folder": self.project / "dags",
                "plugins_folder": self.project / "plugins",
                "dags_are_paused_at_creation": False,
                "fernet_key": made["fernet"],
                "simple_auth_manager_users": f"{USER}:admin",
                "simple_auth_manager_passwords_file": self.home / "passwords.json",
                "execution_api_server_url": f"{self.url}/execution/",
            },
            "database": {"sql_alchemy_conn": f"sqlite:///{self.database}"},
            "api": {
                "host": "127.0.0.1",
                "port": self.port,
                "base_url": self.url,
                "workers": 1,
                "secret_key": made["api"],
                "instance_name": "livemove rehearsal",
                "auto_refresh_interval": 2,
            },
            "api_auth": {"jwt_secret": made["jwt"]},
            # a gate answered within seconds of asking may be marked failed without this (apache/airflow
            # #72716)
            "workers": {"min_heartbeat_interval": 1},
            "scheduler": {"scheduler_idle_sleep_time": 0.1, "enable_health_check": False},
            "dag_processor": {"refresh_interval": 5, "min_file_process_interval": 20, "parsing_processes": 1},
            "logging": {
                "base_log_folder": self.home / "logs",
                "dag_processor_child_process_log_directory": self.home / "logs" / "dag_processor",
            },
        }
        out = {
            f"AIRFLOW__{section.upper()}__{key.upper()}": str(value)
            for section, values in sections.items()
            for key, value in values.items()
        }
        return {"AIRFLOW_HOME": str(self.home), "SCARF_ANALYTICS": "false", "DO_NOT_TRACK": "1", **out}

    def _lab(self) -> dict[str, str]:
        """What points the DAG at this lab: connections, specs, certificates, Terraform's provider mirror."""
        out = _read_env(self.state / "airflow.env")
        if (self.state / "migrations").is_dir():
            out["LIVEMOVE_MIGRATIONS"] = str(self.state / "migrations")
        if (self.state / "ca" / "ca.pem").exists():
            out["LIVEMOVE_CA_FILE"] = str(self.state / "ca" / "ca.pem")
        if (written := Path(sys.prefix) / "terraform.rc").exists():
            out["TF_CLI_CONFIG_FILE"] = str(written)
        return {**out, "CHECKPOINT_DISABLE": "1"}

    def _proxy(self, kept: dict[str, str]) -> dict[str, str]:
        """A proxy is for Terraform's registry; nothing of the lab may go through it."""
        if not any(k.lower() in ("http_proxy", "https_proxy", "all_proxy") for k in kept):
            return {}
        a = self.addresses
        ours = ["127.0.0.1", "localhost", "127.0.0.0/8", ".test", a.idc, a.aws]
        ours += [a.ec2(n) for n in range(20)]
        value = ",".join([v for v in (kept.get("no_proxy"), kept.get("NO_PROXY")) if v] + ours)
        return {"no_proxy": value, "NO_PROXY": value}

    # Life -----------------------------------------------------------------------------------------
    def install(self) -> None:
        """Make the metadata database; a migrated one is kept per Airflow version beside this Python."""
        if self.database.exists():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        import importlib.metadata

        template = (
            Path(sys.prefix) / "livemove" / f"airflow-{importlib.metadata.version('apache-airflow')}.db"
        )
        if not template.exists():
            self._migrate()
            _keep(self.database, template)
            return
        shutil.copyfile(template, self.database)

    def _migrate(self) -> None:
        done = subprocess.run(
            [*self._command(), "db", "migrate"],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise LabError(f"airflow db migrate failed: {(done.stdout + done.stderr)[-1500:]}")

    def start(self, *components: str) -> None:
        """Start these components (none named: all four); `wait_until_up` waits for them."""
        if self.running():
            return
        if not self.registry.find("airflow-api-server"):
            check_port(self.port)
        environment = self.environment()
        for component in components or COMPONENTS:
            extra = ["--skip-serve-logs"] if component in ("scheduler", "triggerer") else []
            self.registry.start(
                f"airflow-{component}",
                [*self._command(), component, *extra],
                cwd=self.home,
                env=environment,
                data=str(self.home),
                address="127.0.0.1" if component == "api-server" else "",
                ports={"http": self.port} if component == "api-server" else {},
                login=f"{USER} / {self.home / 'passwords.json'}" if component == "api-server" else "",
            )

    def wait_until_up(self, timeout: float = 180) -> None:
        """Until the API answers; LabError with the end of its log when a component dies before."""
        self._wait(self.api().answers, "the Airflow API answers", timeout)

    def wait_for_dag(self, dag_id: str, timeout: float = 180) -> None:
        """Until the DAG is parsed; LabError with the import errors when it cannot be."""
        api = self.api()

        def parsed() -> bool:
            errors = api.import_errors()
            if errors:
                raise LabError("The DAG folder does not parse:\n" + "\n\n".join(errors))
            return api.dag_exists(dag_id)

        self._wait(parsed, f"the DAG {dag_id} is parsed", timeout)

    def _wait(self, met: Callable[[], bool], what: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not met():
            dead = [p for p in self._processes() if not p.alive()]
            if dead or time.monotonic() > deadline:
                why = f"{dead[0].name} ended" if dead else f"{timeout:.0f} s passed"
                tails = "\n".join(_tail(Path(p.log)) for p in dead or self._processes())
                raise LabError(f"Waiting until {what}: {why}.\n{tails}")
            time.sleep(0.3)

    def running(self) -> bool:
        found = self._processes()
        return len(found) == len(COMPONENTS) and all(p.alive() for p in found)

    def _processes(self) -> list:  # type: ignore[type-arg]
        return [p for c in COMPONENTS if (p := self.registry.find(f"airflow-{c}"))]

    def stop(self) -> None:
        """End the components, then whatever task process is left of them."""
        for component in reversed(COMPONENTS):
            process = self.registry.find(f"airflow-{component}")
            if process and process.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        for component in reversed(COMPONENTS):
            self.registry.stop(f"airflow-{component}", grace=20)
        end_all(self._strays)

    def _strays(self) -> Iterator[int]:
        """Processes that carry this AIRFLOW_HOME in their environment: tasks and what they started."""
        marker = f"AIRFLOW_HOME={self.home}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if marker in (entry / "environ").read_bytes().split(b"\0"):
                        yield int(entry.name)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "airflow"]


def check_port(port: int) -> None:
    """PortTakenError, naming the port, when something listens there already."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError as e:
            if e.errno != errno.EADDRINUSE:
                raise
            raise PortTakenError(
                f"Port {port} on 127.0.0.1 is taken, and Airflow wants it. Next: end what listens there "
                f"(ss -ltnp 'sport = :{port}'), or choose another: LIVEMOVE_AIRFLOW_PORT=18080 make rehearse"
            ) from e


def end_all(find: Callable[[], Iterator[int]], grace: float = 5) -> None:
    """TERM to every process that `find` names, KILL to those that stay."""
    for pid in find():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while list(find()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in find():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _keep(database: Path, template: Path) -> None:
    # another Python's folder may not be ours to write; then the next start migrates again
    with contextlib.suppress(OSError):
        template.parent.mkdir(parents=True, exist_ok=True)
        new = template.with_suffix(f".{os.getpid()}")
        shutil.copyfile(database, new)
        os.replace(new, template)


def _read_env(path: Path) -> dict[str, str]:
    """KEY=value lines; everything after the first '=' is the value, as docker's env files have it."""
    if not path.exists():
        return {}
    lines = (line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _tail(path: Path, lines: int = 12) -> str:
    with contextlib.suppress(OSError):
        return f"{path} ends:\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""
