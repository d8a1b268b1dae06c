"""A long way, emulated: a relay that delays what passes and shares one rate over all connections.

For kernels without `tc netem`. It shows what a round trip and a rate do; it does not show TCP's own
slow start and losses, since both of its sides are on loopback.
As a program: `python -m benchmarks.link LISTEN_PORT TARGET_PORT ROUND_TRIP RATE` (seconds, bytes).
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque

_BLOCK = 64 << 10
_WINDOW = 4 << 20
"""Bytes under way on one connection, as a receive window lets them be."""


class Link:
    """The rate that all connections share, in the direction of the downloads."""

    def __init__(self, delay: float, rate: float) -> None:
        self.delay, self.rate = delay, rate
        self._free = 0.0

    def arrival(self, length: int, now: float) -> float:
        """When a block that is sent now has arrived on the other side."""
        self._free = max(self._free, now) + length / self.rate
        return self._free + self.delay


class _Way:
    """One direction of one connection: blocks that are under way, and when each arrives."""

    def __init__(self, link: Link, *, limited: bool) -> None:
        self._link, self._limited = link, limited
        self._blocks: deque[tuple[float, bytes]] = deque()
        self._under_way = 0
        self._changed = asyncio.Condition()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Hand on what comes from `source`, as late as the link has it."""
        await asyncio.gather(self._receive(source), self._send(sink), return_exceptions=True)
        sink.close()

    async def _receive(self, source: asyncio.StreamReader) -> None:
        loop, link, block = asyncio.get_running_loop(), self._link, b" "
        while block:
            async with self._changed:
                await self._changed.wait_for(lambda: self._under_way < _WINDOW)
            block = await source.read(_BLOCK)
            now = loop.time()
            due = link.arrival(len(block), now) if self._limited else now + link.delay
            async with self._changed:
                self._under_way += len(block)
                self._blocks.append((due, block))
                self._changed.notify_all()

    async def _send(self, sink: asyncio.StreamWriter) -> None:
        loop, block = asyncio.get_running_loop(), b" "
        while block:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._blocks))
                due, block = self._blocks.popleft()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            sink.write(block)
            await sink.drain()
            async with self._changed:
                self._under_way -= len(block)
                self._changed.notify_all()


async def relay(listen: int, target: int, link: Link) -> None:
    """Relay connections to port `listen` of loopback to port `target`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * link.delay)  # the handshake's round trip
        upstream, downstream = await asyncio.open_connection("127.0.0.1", target, limit=1 << 20)
        await asyncio.gather(
            _Way(link, limited=True).carry(upstream, writer),
            _Way(link, limited=False).carry(reader, downstream),
        )

    server = await asyncio.start_server(connected, "127.0.0.1", listen, limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    port, there = int(sys.argv[1]), int(sys.argv[2])
    asyncio.run(relay(port, there, Link(float(sys.argv[3]) / 2, float(sys.argv[4]))))
