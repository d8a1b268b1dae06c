"""A wire between a client and a server on loopback that breaks, or falls silent, as it is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Fault = tuple[Literal["cut", "silent"], int]
"""What happens to a connection, and after how many bytes of the server's."""


@dataclass
class Wire:
    """`port` is where it is entered; of `faults` each connection takes one, as long as there are
    some.
    """

    port: int
    faults: deque[Fault] = field(default_factory=deque)
    connections: int = 0


@contextlib.contextmanager
def wire(to: int) -> Iterator[Wire]:
    """A wire to port `to` of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as entrance:
        found = Wire(entrance.getsockname()[1])
        open_ends: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    near, _ = entrance.accept()
                    found.connections += 1
                    far = socket.create_connection(("127.0.0.1", to))
                    open_ends.extend([near, far])
                    fault = found.faults.popleft() if found.faults else None
                    for source, sink, what in ((near, far, None), (far, near, fault)):
                        threading.Thread(
                            target=_carry, args=(source, sink, what), daemon=True
                        ).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            entrance.shutdown(socket.SHUT_RDWR)
            thread.join()
            for end in open_ends:
                end.close()


def _carry(source: socket.socket, sink: socket.socket, fault: Fault | None) -> None:
    carried = 0
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            carried += len(data)
            if fault and carried > fault[1]:
                if fault[0] == "silent":
                    continue
                break
            sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
