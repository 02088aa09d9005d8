"""Python on a host of the lab speaks from the host's own address, as it would from a machine of its own.

Python reads this file by itself where its folder is on PYTHONPATH; LIVEMOVE_LAB_ADDRESS is the host's
address.
"""

import os
import socket
from typing import Any

_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect, so that many connections share one."""


def _from_here(name: str) -> None:
    """Let that method of a socket bind the host's address first, unless the program has bound one."""
    original = getattr(socket.socket, name)

    def connect(self: socket.socket, to: Any) -> Any:
        here = os.environ.get("LIVEMOVE_LAB_ADDRESS")
        local = self.family == socket.AF_INET and str(to[0]).startswith("127.")
        if here and local and self.getsockname()[0] == "0.0.0.0":
            self.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            self.bind((here, 0))
        return original(self, to)

    setattr(socket.socket, name, connect)


_from_here("connect")
_from_here("connect_ex")
