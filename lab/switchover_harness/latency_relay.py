"""A TCP relay that adds latency: every byte arrives a fixed time later, whatever the volume."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time


class LatencyRelay:
    """Listens on `address` at a port of its own (`address`) and passes on to `to`; `seconds` is one way."""

    def __init__(self, address: str, to: tuple[str, int], seconds: float) -> None:
        self.to, self.seconds = to, seconds
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server((address, 0), backlog=64)
        self.address: tuple[str, int] = (address, self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for s in (self._listener, *self._sockets):
            _end(s)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self.to, timeout=5)
            except OSError:
                _end(near)
                continue
            far.settimeout(None)
            self._sockets |= {near, far}
            for here, there in ((near, far), (far, near)):
                here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                way: queue.Queue[tuple[float, bytes]] = queue.Queue()
                threading.Thread(target=self._depart, args=(here, way), daemon=True).start()
                threading.Thread(target=self._arrive, args=(way, there), daemon=True).start()

    def _depart(self, here: socket.socket, way: queue.Queue[tuple[float, bytes]]) -> None:
        data = b"begin"
        while data:
            try:
                data = here.recv(65536)
            except OSError:
                data = b""
            way.put((time.monotonic() + self.seconds, data))

    def _arrive(self, way: queue.Queue[tuple[float, bytes]], there: socket.socket) -> None:
        while True:
            due, data = way.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    break
                there.sendall(data)
            except OSError:
                break
        _end(there)
        self._sockets.discard(there)


def _end(s: socket.socket) -> None:
    with contextlib.suppress(OSError):
        s.shutdown(socket.SHUT_RDWR)
    s.close()
