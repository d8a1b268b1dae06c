"""What a file may cost, counted: Python calls, system calls, and bytes that are moved once more.

Counts do not depend on the machine, so that one that grows is seen in every run of the tests. Who
makes a file cheaper lowers the budget; 10 % are left for what depends on the order of events.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.download.storage import Reply, Request, Storage, running
from tests.fakes import md5

pytestmark = pytest.mark.servers  # counts are those of one Python, and of a Linux with strace

FEW, MANY = 100, 300
LARGE = 40 << 20
"""Bytes: five parts, and less than what may wait to be hashed."""
SLACK = 1.1

CALLS = 410
"""Calls of Python and C functions a small file."""
SYSTEM_CALLS = {"openat": 1, "pwrite64": 1, "newfstatat": 1, "linkat": 1, "renameat": 1}
"""Calls a small file that name files or write: made, written, looked at, placed."""

COUNTED = """
import itertools, os, sys, threading
tick = itertools.count()
def count(frame, event, argument):
    if event == "call" or event == "c_call":
        next(tick)
threading.setprofile(count)
sys.setprofile(count)
from studio_action import cli
code = cli.run(sys.argv[1:], os.environ)
sys.setprofile(None)
print(next(tick), file=sys.stderr)
sys.exit(code)
"""
PLAIN = "import os, sys; from studio_action import cli; sys.exit(cli.run(sys.argv[1:], os.environ))"


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    """A Studio and a storage in one: the model `small` has as many files as its version says."""
    with running() as storage:
        small = {f"small/{at:04}": at.to_bytes(8, "big") * 512 for at in range(MANY)}
        large = {"large/weights": os.urandom(1 << 20) * (LARGE >> 20)}
        urls = {}
        for path, content in {**small, **large}.items():
            digest = md5(content)
            urls[path] = storage.put(f"files/md5/{digest[:2]}/{digest[2:]}", content)

        def studio(request: Request) -> Reply | None:
            if not request.path.startswith("/api/"):
                return None
            query = parse_qs(urlsplit(request.path).query)
            if "get-download-uris" not in request.path:
                return Reply(404, b"{}")
            wanted = [path for path in urls if path.startswith(f"{query['name'][0]}/")]
            wanted = wanted[: int(query["version"][0].split(".")[-1])]
            return Reply(200, json.dumps({path: urls[path] for path in wanted}).encode())

        storage.always(studio)
        yield storage


def step(storage: Storage, folder: Path, model: str, files: int, *argv: str) -> str:
    """Download in a new process that `argv` begins; gives what it said."""
    folder.mkdir()
    ran = subprocess.run(
        [
            *(*argv, "download-model", f"--studio-url={storage.url}", f"--model={model}"),
            *(f"--version=v0.0.{files}", "--repo=http://127.0.0.1:1/acme/models.git"),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "DVC_STUDIO_TOKEN": "isat_budget"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


def test_small_files__python_calls(storage: Storage, tmp_path: Path) -> None:
    def calls(files: int) -> int:
        """The fewest of three runs: the others waited more often."""
        runs = (
            step(
                storage, tmp_path / f"{files}-{run}", "small", files, sys.executable, "-c", COUNTED
            )
            for run in range(3)
        )
        return min(int(said.splitlines()[-1]) for said in runs)

    each = (calls(MANY) - calls(FEW)) / (MANY - FEW)

    assert each < CALLS * SLACK
    assert each > CALLS / 2, "lower the budget: a file has become much cheaper"


def test_small_files__system_calls(storage: Storage, tmp_path: Path) -> None:
    def calls(files: int) -> Counter[str]:
        return Counter(name for name, _ in traced(storage, tmp_path, "small", files))

    few, many = calls(FEW), calls(MANY)
    each = {name: (many[name] - few[name]) / (MANY - FEW) for name in many}

    names = re.compile(r"open|stat|link|rename|chmod|chown|write64|mkdir|access")
    found = {name: count for name, count in each.items() if names.search(name) and count > 0.1}
    assert found == pytest.approx(SYSTEM_CALLS, abs=0.1)


def test_large_file__is_written_once_and_never_read_again(storage: Storage, tmp_path: Path) -> None:
    moved = Counter[str]()
    for name, size in traced(storage, tmp_path, "large", 1):
        moved[name] += size

    assert LARGE <= moved["pwrite64"] < LARGE * 1.01
    assert moved["pread64"] + moved["write"] < LARGE * 0.01


def traced(storage: Storage, tmp_path: Path, model: str, files: int) -> Iterator[tuple[str, int]]:
    """Each system call of a step by its name, and what it returned."""
    log = tmp_path / f"{model}-{files}.strace"
    strace = ("strace", "-f", "-qq", "-o", str(log), "--", sys.executable, "-c", PLAIN)
    step(storage, tmp_path / f"{model}-{files}", model, files, *strace)
    for line in log.read_text(errors="replace").splitlines():
        found = re.match(r"\d+ +(?:<\.\.\. )?(\w+)[( ].*\) += (-?\d+)", line)
        if found:
            yield found[1], int(found[2])
