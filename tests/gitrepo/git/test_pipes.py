from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from studio_action.gitrepo.git.pipes import (
    OutputTooLarge,
    communicate_by_selecting,
    communicate_by_threads,
)

Communicate = Callable[[subprocess.Popen[bytes], bytes, float, int], tuple[bytes, bytes]]


@pytest.fixture(params=[communicate_by_selecting, communicate_by_threads])
def communicate(request: pytest.FixtureRequest) -> Communicate:
    found: Communicate = request.param
    return found


@contextmanager
def running(script: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", f"import sys, os\n{script}"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def test_communicate__both_ways(communicate: Communicate) -> None:
    script = (
        "text = sys.stdin.read(); sys.stderr.write('hm'); print(len(text), end=''); sys.exit(3)"
    )
    with running(script) as process:
        assert communicate(process, b"x" * 1_000_000, 60, 100) == (b"1000000", b"hm")
        assert process.returncode == 3


def test_communicate__what_is_not_listened_to(communicate: Communicate) -> None:
    with running("os.close(0); print('said', end='')") as process:
        assert communicate(process, b"x" * 1_000_000, 60, 100) == (b"said", b"")


def test_communicate__too_much(communicate: Communicate) -> None:
    with running("while True: print('a' * 1000)") as process, pytest.raises(OutputTooLarge):
        communicate(process, b"", 60, 10_000)


def test_communicate__complaints_without_end_are_heard_in_part(communicate: Communicate) -> None:
    with running("sys.stderr.write('a' * 5_000_000); print('done', end='')") as process:
        output, errors = communicate(process, b"", 60, 100)

    assert output == b"done"
    assert len(errors) == 1 << 20


def test_communicate__too_long(communicate: Communicate) -> None:
    with running("sys.stdin.read()\nwhile True: pass") as process:
        with pytest.raises(subprocess.TimeoutExpired):
            communicate(process, b"", 0, 100)
        assert process.poll() is None
