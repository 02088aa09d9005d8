"""A TCP proxy between movers and one database that can lose an answer, be slow, or be cut."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

CUT, SILENT = "cut", "silent"


class Proxy:
    """Passes bytes on; these methods make it fail.

    `lose_answer_to(words)`: the next packet to the server that holds the words arrives, its answer does
    not, and the connection breaks. `cut()`: every connection breaks and none is made. `silence()`: nothing
    passes.
    """

    def __init__(self, address: str, to: tuple[str, int]) -> None:
        self.to = to
        self.mode = ""
        self.delay = 0.0
        self.lost = 0
        """Answers that were lost."""
        self.refused = 0
        """Connections that were broken or not made by a cut."""
        self._words = b""
        self._then = ""
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = socket.create_server((address, 0), backlog=64)
        self.address: tuple[str, int] = (address, self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break_all()

    def reset(self) -> None:
        self.mode, self.delay, self._words, self._then, self.lost, self.refused = "", 0.0, b"", "", 0, 0

    def lose_answer_to(self, words: str, *, then: str = "") -> None:
        """`then`: CUT leaves the database out of reach afterwards."""
        self._words, self._then = words.encode(), then

    def cut(self) -> None:
        self.mode = CUT
        self._break_all()

    def silence(self) -> None:
        """As a firewall that drops packets: no side gets an answer or an error."""
        self.mode = SILENT

    def heal(self) -> None:
        self.mode = ""

    def _break_all(self) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self.refused += 1
            for s in pair:
                _reset(s)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == CUT:
                self.refused += 1
                _reset(client)
                continue
            try:
                server = socket.create_connection(self.to, timeout=5)
                server.settimeout(None)
            except OSError:
                _reset(client)
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair, doomed = (client, server), threading.Event()
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(
                target=self._pump, args=(pair, client, server, doomed, True), daemon=True
            ).start()
            threading.Thread(
                target=self._pump, args=(pair, server, client, doomed, False), daemon=True
            ).start()

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        here: socket.socket,
        there: socket.socket,
        doomed: threading.Event,
        asks: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                if self.delay:
                    time.sleep(self.delay)
                while self.mode == SILENT:
                    self.refused += 1
                    time.sleep(0.05)
                if asks and self._words and self._words in data:
                    self._words = b""
                    doomed.set()
                elif not asks and doomed.is_set():
                    if self._then:
                        self.mode = self._then
                    self.lost += 1
                    break
                there.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
        for s in pair:
            _reset(s)


def _reset(s: socket.socket) -> None:
    with contextlib.suppress(OSError):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        s.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        s.close()
