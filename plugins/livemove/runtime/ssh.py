"""A server of the data centre over SSH: the Host port, on the ssh provider's hook."""

from __future__ import annotations

import logging
import posixpath
import secrets
import socket
from typing import Any

from livemove.model.errors import SetupError, UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Side

log = logging.getLogger(__name__)
CONNECT = 10
"""Seconds to wait for the TCP connection and for the login."""


class SshHost:
    """One login over SSH; connects when first used, and again after the connection broke.

    `jump`: connection of a jump host. It only forwards bytes: the server's key and the login are checked end
    to end.
    """

    def __init__(
        self, name: str, site: Side, address: str, connection: str, *, jump: str | None = None
    ) -> None:
        self.name, self.site, self.address, self._connection = name, site, address, connection
        self._jump = jump
        self._client: Any = None
        self._way: Any = None
        """The client of the jump host."""

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
        for client in (self._client, self._way):
            if client is not None:
                client.close()
        self._client = self._way = None

    def _open(self) -> Any:
        if self._client is not None:
            return self._client
        try:
            sock = None
            if self._jump:
                self._way = self._connect(self._jump, "at the jump host")
                sock = self._channel()
            self._client = self._connect(self._connection, "at login", sock)
        except BaseException:
            self.close()
            raise
        return self._client

    def _connect(self, connection: str, when: str, sock: Any = None) -> Any:
        from airflow.providers.ssh.hooks.ssh import SSHHook

        try:
            hook = SSHHook(ssh_conn_id=connection, conn_timeout=CONNECT)
            if sock is not None:
                # what the jump host opened serves one attempt
                hook.host_proxy, hook.conn_retry_attempts = sock, 1
            return hook.get_conn()
        except (OSError, socket.gaierror, EOFError, _ssh_errors()) as e:
            raise self._unreachable(e, when) from e
        except Exception as e:
            raise SetupError(
                f"The Airflow connection {connection!r} cannot be used for SSH: {e}",
                next_step="check host, login, private_key and host_key in Admin > Connections",
            ) from e

    def _channel(self) -> Any:
        """What the jump host forwards to the server; only bytes."""
        from airflow.providers.ssh.hooks.ssh import SSHHook

        try:
            hook = SSHHook(ssh_conn_id=self._connection)
            to = (hook.remote_host, hook.port)
            return self._way.get_transport().open_channel(
                "direct-tcpip", to, ("127.0.0.1", 0), timeout=CONNECT
            )
        except (OSError, EOFError, _ssh_errors()) as e:
            raise self._unreachable(e, "through the jump host, which does not forward to it,") from e

    def _unreachable(self, error: Exception, when: str) -> UnreachableError:
        return UnreachableError(
            f"Server {self.name} ({self.address}) did not answer over SSH {when}: {type(error).__name__}:"
            f" {error}",
            next_step=(
                f"try `ssh` with the data of the Airflow connection {self._connection!r}"
                + (f", through that of {self._jump!r}" if self._jump else "")
            ),
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
