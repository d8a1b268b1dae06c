from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Semaphore

import pytest

from studio_action.errors import UnexpectedAnswer, Unreachable
from studio_action.gitrepo.locate.located import InRepository, LocatedFile
from studio_action.model.artifact import ModelName
from studio_action.server.registry.model_files import ModelAtCommit, ModelFiles, ModelFilesCache


def at(model: str, revision: str = "1") -> ModelAtCommit:
    return "acme/models", revision * 40, ModelName(model)


def found(files: int) -> ModelFiles:
    return ModelFiles("m", (LocatedFile("m", InRepository("0a" * 20), 1, None, False),) * files)


def never() -> ModelFiles:
    raise AssertionError("looked up again")


def test_get__looked_up_once() -> None:
    models = ModelFilesCache(time.monotonic)
    first = models.get(at("a"), lambda: found(1))

    assert models.get(at("a"), never) is first


@pytest.mark.parametrize(
    "other",
    [at("b"), at("a", "2"), ("acme/others", "1" * 40, ModelName("a"))],
    ids=["model", "commit", "repository"],
)
def test_get__not_that_of_another(other: ModelAtCommit) -> None:
    models = ModelFilesCache(time.monotonic)
    first = models.get(at("a"), lambda: found(1))

    assert models.get(other, lambda: found(2)) != first


def test_get__the_least_asked_for_make_room() -> None:
    models = ModelFilesCache(time.monotonic, most_files=10)
    for name in "abc":
        models.get(at(name), lambda: found(3))
    models.get(at("a"), never)

    models.get(at("d"), lambda: found(4))

    models.get(at("a"), never)
    models.get(at("c"), never)
    with pytest.raises(AssertionError):
        models.get(at("b"), never)


def test_get__one_that_is_larger_than_all_the_room() -> None:
    models = ModelFilesCache(time.monotonic, most_files=10)
    models.get(at("a"), lambda: found(1))
    models.get(at("b"), lambda: found(100))

    models.get(at("b"), never)
    with pytest.raises(AssertionError):
        models.get(at("a"), never)


def test_get__a_failure_is_not_kept() -> None:
    models = ModelFilesCache(time.monotonic)

    def fail() -> ModelFiles:
        raise Unreachable("not now")

    with pytest.raises(Unreachable):
        models.get(at("a"), fail)
    assert models.get(at("a"), lambda: found(1)) == found(1)


def test_get__once_though_many_ask() -> None:
    models = ModelFilesCache(time.monotonic)
    asked: list[int] = []

    def locate(number: int) -> Callable[[], ModelFiles]:
        def look() -> ModelFiles:
            asked.append(number)
            return found(1)

        return look

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda number: models.get(at("a"), locate(number)), range(64)))

    assert len(asked) == 1


def test_get__different_commits_at_the_same_time() -> None:
    models = ModelFilesCache(time.monotonic)
    both = Barrier(2, timeout=10)

    def look() -> ModelFiles:
        both.wait()  # fails unless the other one looks, too
        return found(1)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda revision: models.get(at("a", revision), look), "12"))


def test_get__two_threads_of_a_repository_at_most() -> None:
    models = ModelFilesCache(time.monotonic)
    reading, most = Semaphore(2), []

    def look() -> ModelFiles:
        most.append(reading.acquire(blocking=False))
        os.sched_yield()
        reading.release()
        return found(1)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda each: models.get(at("a", f"{each % 10}"), look), range(64)))

    assert most == [True] * 10


def test_get__what_cannot_be_read_is_read_again_after_a_minute() -> None:
    now = [0.0]
    models = ModelFilesCache(lambda: now[0])

    def fail() -> ModelFiles:
        raise UnexpectedAnswer("dvc.yaml is not YAML", "Look at it")

    for locate in (fail, never):
        with pytest.raises(UnexpectedAnswer, match=r"dvc.yaml is not YAML. Look at it"):
            models.get(at("a"), locate)
    models.get(at("b"), lambda: found(1))

    now[0] = 60.0
    assert models.get(at("a"), lambda: found(1)) == found(1)
    assert models.get(at("a"), never) == found(1)


def test_get__so_many_failures_are_remembered() -> None:
    models = ModelFilesCache(time.monotonic)

    def fail() -> ModelFiles:
        raise UnexpectedAnswer("no")

    for number in range(1001):
        with pytest.raises(UnexpectedAnswer):
            models.get(at(f"m{number}"), fail)

    assert models.get(at("m0"), lambda: found(1)) == found(1)
    with pytest.raises(UnexpectedAnswer):
        models.get(at("m1"), never)
