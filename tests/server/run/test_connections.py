from __future__ import annotations

import dataclasses

import pytest

from studio_action.server.run.connections import Connections, Entry


@dataclasses.dataclass(eq=False)
class Client:
    gone: bool = False

    def give_way(self) -> None:
        self.gone = True


def test_enter__so_many_of_one_address() -> None:
    reported: list[str] = []
    connections = Connections(per_address=2, report=reported.append)

    entries = [connections.enter(Client(), "192.0.2.1") for _ in range(6)]

    assert entries == [Entry.TAKEN] * 2 + [Entry.ADDRESS_FULL] * 2 + [Entry.FLOOD] * 2
    assert reported == ["192.0.2.1"]
    assert connections.enter(Client(), "192.0.2.2") is Entry.TAKEN


def test_enter__again_after_others_left() -> None:
    connections, first, second = Connections(per_address=1), Client(), Client()
    connections.enter(first, "192.0.2.1")
    assert connections.enter(second, "192.0.2.1") is Entry.ADDRESS_FULL

    connections.leave(first, "192.0.2.1")
    assert connections.enter(Client(), "192.0.2.1") is Entry.ADDRESS_FULL
    connections.leave(second, "192.0.2.1")
    connections.leave(second, "192.0.2.1")

    assert connections.enter(Client(), "192.0.2.1") is Entry.TAKEN


@pytest.mark.parametrize(
    ("one", "other", "entry"),
    [
        ("2001:db8::1", "2001:db8::2", Entry.ADDRESS_FULL),
        ("2001:db8::1", "2001:db8:0:1::1", Entry.TAKEN),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", Entry.TAKEN),
        ("192.0.2.1", "::ffff:192.0.2.1", Entry.ADDRESS_FULL),
        ("10.1.2.3", "10.1.2.3", Entry.TAKEN),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3", Entry.TAKEN),
        ("", "", Entry.ADDRESS_FULL),
    ],
)
def test_enter__what_counts_as_one_address(one: str, other: str, entry: Entry) -> None:
    connections = Connections(per_address=1, proxies=["10.0.0.0/8"])
    connections.enter(Client(), one)

    assert connections.enter(Client(), other) is entry


def test_enter__the_longest_waiting_one_gives_way() -> None:
    connections, clients = Connections(most=3), [Client() for _ in range(3)]
    for address, client in enumerate(clients):
        connections.enter(client, f"192.0.2.{address}")
    connections.works(clients[0])
    connections.works(clients[1])
    connections.waits(clients[1])

    entries = [connections.enter(Client(), "198.51.100.1") for _ in range(2)]

    assert entries == [Entry.TAKEN] * 2
    assert [client.gone for client in clients] == [False, True, True]


def test_enter__all_are_answered() -> None:
    connections, clients = Connections(most=2), [Client() for _ in range(2)]
    for client in clients:
        connections.enter(client, "192.0.2.1")
        connections.works(client)

    entries = [connections.enter(Client(), f"198.51.100.{each}") for each in range(4)]

    assert entries == [Entry.SERVER_FULL] * 2 + [Entry.FLOOD] * 2
