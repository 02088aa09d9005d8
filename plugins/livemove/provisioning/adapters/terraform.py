"""Terraform as a program: the Infra port. State and plans live in S3, nothing is written beside the DAGs.

Every call works in a directory of its own, so any worker may do the next one. Passwords travel as ephemeral
variables in the environment: they enter neither state nor plan, and are given again at apply.

Terraform writes its events to a file that is followed here, not into a pipe: when this process is killed, it
must not die of the broken pipe before it has saved its state. It then ends by itself and unlocks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livemove.model.errors import InfraError, SetupError, StaleApprovalError
from livemove.model.ports import Json, PlanSummary
from livemove.model.spec import project_root
from livemove.provisioning.plan import summary

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)

PLAN = "plan.tfplan"
GRACE = 600.0
"""Seconds that an interrupted Terraform gets to save its state and to unlock it."""
LOCK_TIMEOUT = "120s"
PARALLEL = 20
"""Resources at a time; most of an apply is waiting, and the default of 10 leaves some waiting for others."""
LOOK = 0.2
"""Seconds between two looks into the file of events."""
QUIET = 20.0
"""Seconds between two lines about resources that are still being made."""
TOLD = {"apply_complete", "apply_errored", "change_summary"}


class Terraform:
    """Runs `terraform` over a configuration with the service's state.

    :param environment: where and as whom AWS is asked
    :param secrets: called for each run; TF_VAR_* of the ephemeral variables
    :param configuration: folder with the root module
    """

    def __init__(
        self,
        *,
        bucket: str,
        service: str,
        region: str,
        s3: Any,
        environment: Mapping[str, str],
        secrets: Callable[[], Mapping[str, str]],
        configuration: Path | None = None,
    ) -> None:
        self.bucket, self.service, self.region, self.s3 = bucket, service, region, s3
        self._environment, self._secrets = dict(environment), secrets
        self._configuration = configuration or project_root() / "include" / "terraform"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, world: ServiceContext) -> Terraform:
        spec = world.spec

        def secrets() -> Mapping[str, str]:
            return {
                "TF_VAR_database_password": world.secret(spec.target.connection).password,
                "TF_VAR_application_password": world.secret(spec.application.connection).password,
            }

        return cls(
            bucket=spec.aws.bucket,
            service=spec.service,
            region=spec.aws.region,
            s3=world.aws("s3"),
            environment=world.aws_environment(),
            secrets=secrets,
        )

    # the port -------------------------------------------------------------------------------------
    def plan(self, variables: Json) -> PlanSummary:
        """Make a plan and keep it in S3 under its digest."""
        from livemove.runtime.s3_ledger import ensure_bucket

        ensure_bucket(self.s3, self.bucket)
        with self._ready() as folder:
            (folder / "livemove.auto.tfvars.json").write_text(json.dumps(variables, indent=1))
            self._stream(
                folder,
                "plan",
                "-json",
                "-detailed-exitcode",
                f"-lock-timeout={LOCK_TIMEOUT}",
                f"-parallelism={PARALLEL}",
                f"-out={PLAN}",
                fine=(0, 2),
            )
            content = (folder / PLAN).read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            self.s3.put_object(
                Bucket=self.bucket, Key=self._plan_key(digest), Body=content, ServerSideEncryption="AES256"
            )
            return summary(digest, json.loads(self._quiet(folder, "show", "-json", PLAN)))

    def apply(self, digest: str) -> None:
        """Apply exactly that plan; StaleApprovalError when it is gone or the state went on without it."""
        with self._ready() as folder:
            (folder / PLAN).write_bytes(self._kept(digest))
            try:
                self._stream(
                    folder,
                    "apply",
                    "-json",
                    f"-lock-timeout={LOCK_TIMEOUT}",
                    f"-parallelism={PARALLEL}",
                    PLAN,
                )
            except InfraError as e:
                if "stale" in str(e).lower():
                    raise StaleApprovalError(
                        f"The plan {digest[:12]} is stale: the state has changed since it was made",
                        next_step="clear the plan task with downstream, so that a new plan is made and shown",
                    ) from e
                raise

    def outputs(self) -> Json:
        with self._ready() as folder:
            found: Json = json.loads(self._quiet(folder, "output", "-json"))
            return {name: o["value"] for name, o in found.items() if not o.get("sensitive")}

    def cancel(self) -> None:
        """Ask a running Terraform to stop: it finishes what it is making, saves the state and unlocks it."""
        p = self._process
        if p is None or p.poll() is not None:
            return
        log.warning("interrupting terraform; it saves its state, which may take minutes")
        with contextlib.suppress(ProcessLookupError):
            p.send_signal(signal.SIGINT)
        try:
            p.wait(GRACE)
        except subprocess.TimeoutExpired:
            log.error("terraform did not end within %.0f s; killed: its state lock may stay behind", GRACE)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGKILL)

    # how ------------------------------------------------------------------------------------------
    def _plan_key(self, digest: str) -> str:
        return f"{self.service}/plans/{digest}.tfplan"

    def _kept(self, digest: str) -> bytes:
        from botocore.exceptions import ClientError

        try:
            content: bytes = self.s3.get_object(Bucket=self.bucket, Key=self._plan_key(digest))["Body"].read()
        except ClientError as e:
            raise StaleApprovalError(
                f"The plan {digest[:12]} is not in the bucket {self.bucket} any more"
                f" ({e.response['Error']['Code']})",
                next_step="clear the plan task with downstream",
            ) from e
        if hashlib.sha256(content).hexdigest() != digest:
            raise StaleApprovalError(
                f"The plan {digest[:12]} in the bucket is not the one that was shown",
                next_step="clear the plan task with downstream",
            )
        return content

    @contextlib.contextmanager
    def _ready(self) -> Iterator[Path]:
        """A private copy of the configuration, initialised on the service's state."""
        with tempfile.TemporaryDirectory(prefix="livemove-terraform-") as name:
            folder = Path(name)
            shutil.copytree(
                self._configuration,
                folder,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns(".terraform"),
            )
            backend = {
                "bucket": self.bucket,
                "key": f"{self.service}/terraform.tfstate",
                "region": self.region,
            }
            self._quiet(
                folder,
                "init",
                "-input=false",
                "-no-color",
                *(f"-backend-config={k}={v}" for k, v in backend.items()),
            )
            yield folder

    def _env(self) -> dict[str, str]:
        env = {
            **os.environ,
            **self._environment,
            **self._secrets(),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }
        # a configuration that is named but not there would only bring a warning, and no provider mirror
        if not Path(env.get("TF_CLI_CONFIG_FILE", "/nonexistent")).exists():
            env.pop("TF_CLI_CONFIG_FILE", None)
            ours = Path(sys.prefix) / "terraform.rc"
            if ours.exists():
                env["TF_CLI_CONFIG_FILE"] = str(ours)
        return env

    def _quiet(self, folder: Path, *words: str) -> str:
        done = subprocess.run(
            [program(), *words], cwd=folder, env=self._env(), capture_output=True, text=True, timeout=600
        )
        if done.returncode:
            raise InfraError(
                f"terraform {words[0]} failed: {(done.stderr or done.stdout).strip()[-2000:]}",
                next_step=_hint(done.stderr + done.stdout),
            )
        return done.stdout

    def _stream(self, folder: Path, *words: str, fine: tuple[int, ...] = (0,)) -> int:
        """Run with -json and log a line for each action; InfraError with Terraform's own diagnostics."""
        errors: list[str] = []
        events = folder / "events.jsonl"
        with events.open("w") as out:
            self._process = p = subprocess.Popen(
                [program(), *words],
                cwd=folder,
                env=self._env(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wording = time.monotonic()
            for line in _follow(events, p):
                wording = _tell(line, errors, wording)
            code = p.wait()
        except BaseException:
            self.cancel()
            raise
        if code not in fine:
            text = "; ".join(errors) or f"exit code {code}"
            raise InfraError(f"terraform {words[0]} failed: {text}", next_step=_hint(text))
        return code


def program() -> str:
    """The terraform that setup installed, else the one on the PATH."""
    beside = Path(sys.prefix) / "bin" / "terraform"
    found = str(beside) if beside.exists() else shutil.which("terraform")
    if not found:
        raise SetupError(
            "terraform is not on this worker",
            wanted="Terraform 1.11 or newer on the PATH",
            next_step="install it, or run `make setup`",
        )
    return found


def _follow(path: Path, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Lines of a file that a process is writing, until it has ended and all is read."""
    with path.open() as file:
        line = ""
        while True:
            ended = process.poll() is not None
            while part := file.readline():
                line += part
                if line.endswith("\n"):
                    yield line
                    line = ""
            if ended:
                if line:
                    yield line
                return
            time.sleep(LOOK)


def _tell(line: str, errors: list[str], wording: float) -> float:
    """Log one line of the event stream if it says something new; returns when progress was last told."""
    try:
        event = json.loads(line)
    except ValueError:
        if line.strip():
            log.info("%s", line.rstrip())
        return wording
    kind, message = event.get("type"), event.get("@message", "")
    if kind == "diagnostic":
        d = event["diagnostic"]
        text = " ".join(
            filter(
                None, (d.get("summary"), d.get("detail"), f"(at {d['address']})" if d.get("address") else "")
            )
        )
        if d["severity"] == "error":
            errors.append(" ".join(text.split()))
        log.log(logging.ERROR if d["severity"] == "error" else logging.WARNING, "%s", text)
    elif kind in TOLD and event.get("hook", {}).get("action") != "read":
        log.info("%s", message)
    elif kind == "apply_progress" and time.monotonic() - wording > QUIET:
        log.info("%s", message)
        return time.monotonic()
    return wording


def _hint(text: str) -> str:
    lower = text.lower()
    if "state lock" in lower:
        return (
            "if no other run is at work, remove the lock with `terraform force-unlock` and the id above, then"
            " clear this task"
        )
    if (
        "could not retrieve" in lower
        or "failed to query available provider" in lower
        or "failed to install provider" in lower
    ):
        return (
            "the provider could not be fetched: open the way to registry.terraform.io, or set"
            " LIVEMOVE_TF_MIRROR and run `make setup`"
        )
    return "fix the cause, then clear the plan task with downstream: a new plan continues from what exists"


def infra_of(world: ServiceContext) -> Terraform:
    return world.port("infra", lambda: Terraform.of(world))
