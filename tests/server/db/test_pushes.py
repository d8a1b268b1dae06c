from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine

from studio_action.server.db.pushes import Pushes
from tests.fakes import Time


@pytest.fixture
def pushes(engine: Engine) -> Pushes:
    return Pushes(engine)


def test_count__none_yet(pushes: Pushes) -> None:
    assert pushes.count("acme/models") == 0


def test_record__each_repository_has_its_own_count(pushes: Pushes) -> None:
    pushes.record("acme/models")
    pushes.record("acme/models")
    pushes.record("acme/vision")
    assert (pushes.count("acme/models"), pushes.count("acme/vision")) == (2, 1)


def test_record__another_process_sees_it_a_second_later(engine: Engine, pushes: Pushes) -> None:
    moments = iter([0.0, 0.5, 1.0])
    before = Pushes(engine, lambda: next(moments))
    assert before.count("acme/models") == 0
    pushes.record("acme/models")
    assert [before.count("acme/models"), before.count("acme/models")] == [0, 1]


def test_last_read__until_they_are_read_again(engine: Engine) -> None:
    time = Time()
    counts = Pushes(engine, lambda: time.now)
    assert counts.last_read() is None
    counts.count("acme/models")
    first = counts.last_read()

    assert first is not None
    assert counts.last_read() is first
    counts.record("acme/models")
    assert counts.last_read() is None
    counts.count("acme/models")
    assert counts.last_read() is not first
    time.now += 1
    assert counts.last_read() is None


def test_record__none_is_lost(engine: Engine) -> None:
    together = threading.Barrier(12)

    def push() -> None:
        together.wait()
        Pushes(engine).record("acme/models")

    threads = [threading.Thread(target=push) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Pushes(engine).count("acme/models") == 12
