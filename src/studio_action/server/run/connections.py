"""Which connections of one process are taken, and which give way.

Nobody is kept out by those who only wait: when all places are taken, the client that has left the
server waiting longest gives its place to the next one.
"""

from __future__ import annotations

import enum
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from typing import Protocol

from studio_action.server.client_address import counted_as, parsed

MOST = 1000
"""The most connections of one process. Each may need some 100 kB."""


class Connection(Protocol):
    """A connection that was taken."""

    def give_way(self) -> None:
        """Disconnect the client."""
        ...


class Entry(enum.Enum):
    """What happens to a new connection."""

    TAKEN = enum.auto()
    ADDRESS_FULL = enum.auto()
    SERVER_FULL = enum.auto()
    FLOOD = enum.auto()
    """There are so many refused ones that no more are answered."""


class Connections:
    """The connections of one process, at most `most`, and `per_address` of one address.

    The networks in `proxies` count for `most` alone: behind one address they have many clients.
    `report` gets an address that begins to have too many.
    """

    def __init__(
        self,
        per_address: int = MOST,
        proxies: Iterable[str] = (),
        report: Callable[[str], None] = lambda address: None,
        most: int = MOST,
    ) -> None:
        self._per_address, self._most, self._report = per_address, most, report
        self._proxies = [ip_network(each, strict=False) for each in proxies]
        self._by_address: Counter[str] = Counter()
        """The connections of each address, with the refused ones that are not closed yet."""
        self._taken: set[Connection] = set()
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        """The taken connections whose client is to send something, longest first."""

    def enter(self, connection: Connection, host: str) -> Entry:
        """Say what happens to a new connection from `host`; `leave` must follow in each case."""
        address = counted_as(host)
        self._by_address[address] += 1
        count, most = self._by_address[address], self._limit(host)
        flood = count > 2 * most or self._by_address.total() > 2 * self._most
        if count > most:
            if count == most + 1:
                self._report(address)
            return Entry.FLOOD if flood else Entry.ADDRESS_FULL
        if len(self._taken) >= self._most and not self._make_room():
            return Entry.FLOOD if flood else Entry.SERVER_FULL
        self._taken.add(connection)
        self.waits(connection)
        return Entry.TAKEN

    def waits(self, connection: Connection) -> None:
        """Note that the client is to send something: the next request, or the rest of it."""
        if connection in self._taken:
            self._waiting.setdefault(connection)

    def works(self, connection: Connection) -> None:
        """Note that the whole request is there, and the server is to answer."""
        self._waiting.pop(connection, None)

    def leave(self, connection: Connection, host: str) -> None:
        """Forget a connection that has ended."""
        address = counted_as(host)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._taken.discard(connection)
        self._waiting.pop(connection, None)

    def _limit(self, host: str) -> int:
        address = parsed(host)
        exempt = address is not None and any(address in each for each in self._proxies)
        return self._most if exempt else self._per_address

    def _make_room(self) -> bool:
        """Disconnect the client that has been waited for longest; return whether there is one."""
        if not self._waiting:
            return False
        connection, _ = self._waiting.popitem(last=False)
        self._taken.remove(connection)
        connection.give_way()
        return True
