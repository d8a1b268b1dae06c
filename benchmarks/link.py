"""A long way, emulated: a relay that delays what passes and shares one rate over all connections.

For kernels without `tc netem`. Both of its sides are on loopback, where TCP loses nothing. So with
a loss, each connection gets the window that TCP would have: Reno's, which grows by a segment a
round trip and is halved by each segment that is lost (RFC 5681), while its data waits for one
round trip.
As a program: `python -m benchmarks.link LISTEN_PORT TARGET_PORT ROUND_TRIP RATE [LOSS]` (seconds,
bytes a second, a share of the segments).
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import deque

_BLOCK = 64 << 10
_WINDOW = 4 << 20
"""Bytes under way on one connection, as a receive window lets them be."""
_SEGMENT = 1460
"""Bytes."""


class Window:
    """How many bytes one connection may have under way, after Reno, if segments are lost."""

    def __init__(self, loss: float, chance: random.Random) -> None:
        self.size = float(10 * _SEGMENT if loss else _WINDOW)
        self._loss, self._chance = loss, chance
        self._threshold = float(_WINDOW)

    def send(self, length: int) -> bool:
        """Count what is sent; return whether a segment of it is lost."""
        if not self._loss or not length:
            return False
        segments = -(-length // _SEGMENT)
        if self._chance.random() < 1 - (1 - self._loss) ** segments:
            self.size = self._threshold = max(2.0 * _SEGMENT, self.size / 2)
            return True
        grown = length if self.size < self._threshold else length * _SEGMENT / self.size
        self.size = min(float(_WINDOW), self.size + grown)
        return False


class Link:
    """The rate that all connections share, in the direction of the downloads, and its losses."""

    def __init__(self, delay: float, rate: float, loss: float = 0.0) -> None:
        self.delay, self.rate, self.loss = delay, rate, loss
        self.chance = random.Random(1)
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
        self._held_until = 0.0
        self._window = Window(link.loss if limited else 0.0, link.chance)
        self._changed = asyncio.Condition()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Hand on what comes from `source`, as late as the link has it."""
        await asyncio.gather(self._receive(source), self._send(sink), return_exceptions=True)
        sink.close()

    async def _receive(self, source: asyncio.StreamReader) -> None:
        loop, link, block = asyncio.get_running_loop(), self._link, b" "
        while block:
            async with self._changed:
                await self._changed.wait_for(lambda: self._under_way < self._window.size)
            room = max(_SEGMENT, int(self._window.size) - self._under_way)
            block = await source.read(min(_BLOCK, room))
            now = loop.time()
            due = link.arrival(len(block), now) if self._limited else now + link.delay
            if self._window.send(len(block)):
                self._held_until = due + 2 * link.delay
            due = max(due, self._held_until)  # what comes after a lost segment waits for it
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
            if self._link.loss:  # the window is that of a whole round trip
                acknowledged = self._acknowledge(len(block))
                loop.call_later(self._link.delay, loop.create_task, acknowledged)
            else:
                await self._acknowledge(len(block))

    async def _acknowledge(self, length: int) -> None:
        async with self._changed:
            self._under_way -= length
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
    measures = [float(each) for each in sys.argv[3:]]
    asyncio.run(relay(port, there, Link(measures[0] / 2, *measures[1:])))
