"""A way to the database that can lose the answer to COMMIT, as a dying network does."""

from __future__ import annotations

import contextlib
import socket
import threading

COMMIT = b"\x03COMMIT"


class CutAfterCommit:
    """Forwards to one server; while `armed` is above 0, a COMMIT gets through and its answer does not."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.armed = 0
        self.stay_closed = False
        """Refuse new connections after the cut."""
        self.silent = False
        """Nothing comes back any more, and nobody is told."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # wakes accept, which closing does not
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        cutting = threading.Event()
        with client, socket.create_connection(self.target) as server:
            answers = threading.Thread(target=self._answers, args=(server, client, cutting), daemon=True)
            answers.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    if self.armed and COMMIT in data:
                        self.armed -= 1
                        cutting.set()
                        if self.stay_closed:
                            self.close()
                    server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            answers.join(10)

    def _answers(self, server: socket.socket, client: socket.socket, cutting: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65536)) and not cutting.is_set():
                if not self.silent:
                    client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
