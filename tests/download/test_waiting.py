from __future__ import annotations

import pycurl
import pytest

from studio_action.download.connections import Connections, Get
from studio_action.download.waiting import PolledSockets, SelectedSockets, Sockets, Waker
from studio_action.net.network import Network
from tests.download.storage import running


@pytest.fixture(params=[PolledSockets, SelectedSockets])
def sockets(request: pytest.FixtureRequest) -> Sockets:
    found: Sockets = request.param()
    return found


def test_wait__what_is_ready(sockets: Sockets) -> None:
    waker = Waker()
    sockets.watch(waker.fileno(), pycurl.POLL_IN)
    assert sockets.wait(0) == []
    waker.wake()
    assert sockets.wait(60) == [(waker.fileno(), pycurl.CSELECT_IN)]
    waker.rest()
    assert sockets.wait(0) == []
    sockets.watch(waker.fileno(), pycurl.POLL_INOUT)
    assert sockets.wait(60) == [(waker.fileno(), pycurl.CSELECT_OUT)]
    sockets.forget(waker.fileno())
    assert sockets.wait(0) == []
    waker.close()
    waker.wake()


def test_waker__never_waits(sockets: Sockets) -> None:
    waker = Waker()
    for _ in range(100_000):
        waker.wake()
    waker.rest()
    waker.close()


class Kept:
    """A receiver that keeps what comes."""

    def __init__(self) -> None:
        self.status, self.data = 0, b""

    def begin(self, status: int, headers: dict[str, str]) -> bool:
        self.status = status
        return True

    def receive(self, data: bytes) -> bool:
        self.data += data
        return True


def test_a_request_and_one_that_fails(sockets: Sockets) -> None:
    connections, kept = Connections(Network(), 30, sockets), [Kept(), Kept()]
    with running() as storage:
        storage.objects["x"] = b"bytes" * 100_000
        connections.start(Get(f"{storage.url}/x"), kept[0])
        connections.start(Get("http://127.0.0.1:1/x"), kept[1])
        ended: list[object] = []
        while len(ended) < 2:
            ended += [failure for _, failure in connections.poll(60)]
    connections.close()

    assert (kept[0].status, kept[0].data) == (200, b"bytes" * 100_000)
    assert [failure for failure in ended if failure] != []
