"""A server of the data centre over SSH: the Host port, on the ssh provider's hook."""

from __future__ import annotations

import logging
import posixpath
import secrets
import socket
from typing import TYPE_CHECKING, Any

from livemove.model.errors import SetupError, UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Side

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)
CONNECT = 10
"""Seconds to wait for the TCP connection and for the login."""


class SshHost:
    """One login over SSH; connects when first used, and again after the connection broke."""

    def __init__(self, name: str, site: Side, address: str, connection: str) -> None:
        self.name, self.site, self.address, self._connection = name, site, address, connection
        self._client: Any = None

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        """Run in the login directory; UnreachableError when it was not delivered or did not end in time."""
        try:
            channel = self._open().get_transport().open_session(timeout=CONNECT)
            with channel:
                channel.settimeout(timeout)
                channel.exec_command(command)
                if stdin is not None:
                    channel.sendall(stdin)
                channel.shutdown_write()
                out = b"".join(iter(lambda: channel.recv(65536), b""))
                err = b"".join(iter(lambda: channel.recv_stderr(65536), b""))
                code = channel.recv_exit_status()
        except (OSError, EOFError, _ssh_errors()) as e:
            self.close()
            raise self._unreachable(e, f"within {timeout:.0f} s") from e
        return CommandResult(code, out.decode(errors="replace"), err.decode(errors="replace"))

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Place a file by SFTP atomically: nobody sees half of it, or its secrets world-readable."""
        temporary = f"{path}.{secrets.token_hex(4)}.new"
        try:
            with self._open().open_sftp() as sftp:
                _make_folders(sftp, posixpath.dirname(path))
                with sftp.open(temporary, "wx") as f:
                    f.chmod(mode)
                    f.write(content)
                sftp.posix_rename(temporary, path)
        except (OSError, EOFError, _ssh_errors()) as e:
            self.close()
            raise self._unreachable(e, f"while placing {path}") from e

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> Any:
        if self._client is None:
            from airflow.providers.ssh.hooks.ssh import SSHHook

            try:
                self._client = SSHHook(ssh_conn_id=self._connection, conn_timeout=CONNECT).get_conn()
            except (OSError, socket.gaierror, _ssh_errors()) as e:
                raise self._unreachable(e, "at login") from e
            except Exception as e:
                raise SetupError(
                    f"The Airflow connection {self._connection!r} cannot be used for SSH: {e}",
                    next_step="check host, login, private_key and host_key in Admin > Connections",
                ) from e
        return self._client

    def _unreachable(self, error: Exception, when: str) -> UnreachableError:
        return UnreachableError(
            f"Server {self.name} ({self.address}) did not answer over SSH {when}: {type(error).__name__}:"
            f" {error}",
            next_step=f"try `ssh` with the data of the Airflow connection {self._connection!r}",
        )


def _ssh_errors() -> type[Exception]:
    from paramiko import SSHException

    error: type[Exception] = SSHException
    return error


def _make_folders(sftp: Any, folder: str) -> None:
    if not folder or folder == "/":
        return
    try:
        sftp.stat(folder)
    except FileNotFoundError:
        _make_folders(sftp, posixpath.dirname(folder))
        sftp.mkdir(folder)
        sftp.chmod(folder, 0o755)  # whatever the login's umask says: the service has to come through
