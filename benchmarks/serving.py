"""`python -m benchmarks.serving`: how many answers a second a server of one's own gives.

`get-download-uris` of a repository with 1,000 versions, of which each request names another one:
`studio-action serve` with one process and with two, and beside it a server made of gto and dvc.
All on this machine, on loopback, the clients included; each measurement is bounded in time.
`same` is one version that all ask for, as jobs ask for that of a stage. What one answer costs in
processor time is the figure that other load on the machine changes least: its inverse is what a
process of a core of its own gives.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from tests.servers.registry import REPOSITORY, own_server

from benchmarks import load, results, tools
from benchmarks.load import Load
from benchmarks.resolving import FILES, TAGS, make_repository
from benchmarks.table import Target, targets_table

CLIENTS = (1, 16, 64)
SECONDS = 10.0
PEER_SECONDS = 60.0
"""Longer, since it gives less than one answer a second."""
LEAST = 10.0
WORK = f"get-download-uris, {TAGS:,} tags"
ENDPOINT = "/api/model-registry/get-download-uris"
CONFIG = "[core]\n    remote = r\n['remote \"r\"']\n    url = s3://models/registry\n"
REMOTES = {
    "r": {
        "url": "s3://models/registry",
        "endpointurl": "http://127.0.0.1:1",
        "access_key_id": "key",
        "secret_access_key": "secret",
        "region": "us-east-1",
    }
}
OURS = "studio-action serve, 1 process"
OURS_2 = "studio-action serve, 2 processes"
PEER = "gto and dvc.api, 4 threads"


@dataclass(frozen=True)
class Running:
    """A server that can be asked."""

    url: str
    token: str = ""
    pid: int = 0


@dataclass(frozen=True)
class Cost:
    """Seconds of the processor an answer, of the server's processes, and their memory in MiB."""

    processor: float
    memory: float


Server = Callable[[Path, Path], AbstractContextManager[Running]]
Found = dict[str, dict[int, tuple[Load, Cost]]]
"""By server and number of clients."""


def ours(workers: int) -> Server:
    """Our own server as it is installed."""

    @contextmanager
    def start(folder: Path, repository: Path) -> Iterator[Running]:
        with own_server(folder / "server", repository, REMOTES, workers=workers) as server:
            yield Running(server.url, server.token, server.pid)

    return start


@contextmanager
def peer(folder: Path, repository: Path) -> Iterator[Running]:
    """The one that is made of gto and dvc, which reads the repository where it lies."""
    script = Path(__file__).with_name("gto_dvc_server.py")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DVC_NO_ANALYTICS": "1"}
    argv = [tools.peers() / "python", script, repository]
    with (
        (folder / "peer.log").open("wb") as log,
        subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout
        try:
            yield Running(f"http://127.0.0.1:{int(process.stdout.readline())}", pid=process.pid)
        finally:
            process.kill()


SAME = "same, 1 process"
SAME_2 = "same, 2 processes"
SERVERS: Mapping[str, tuple[Server, float]] = {
    OURS: (ours(1), SECONDS),
    OURS_2: (ours(2), SECONDS),
    SAME: (ours(1), SECONDS),
    SAME_2: (ours(2), SECONDS),
    PEER: (peer, PEER_SECONDS),
}


def targets() -> Callable[[], str]:
    """Any version, each as likely as the others."""
    chance = random.Random(64)

    def target() -> str:
        version = f"v0.{chance.randrange(TAGS)}.0"
        return f"{ENDPOINT}?{urlencode({'repo': REPOSITORY, 'name': 'm', 'version': version})}"

    return target


def same() -> Callable[[], str]:
    """One version, again and again."""
    target = targets()()
    return lambda: target


def measure(
    server: Server, seconds: float, folder: Path, target: Callable[[], str]
) -> dict[int, tuple[Load, Cost]]:
    """What each number of clients gets from a new server, after requests that do not count."""
    measured = {}
    for clients in CLIENTS:
        place = folder / f"{clients}"
        place.mkdir(parents=True)
        with server(place, folder.parent / "models.git") as running:
            ask = partial(load.run, running.url, running.token, target)
            ask(clients=1, seconds=seconds / 5)
            before = processor_of(running.pid)
            found = ask(clients=clients, seconds=seconds)
            spent = processor_of(running.pid) - before
            cost = Cost(spent / max(1, len(found.taken)), memory_of(running.pid))
            measured[clients] = found, cost
    return measured


def processor_of(pid: int) -> float:
    """Seconds that a process and its children have had."""
    ticks = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """MiB that a process and its children have, what they share counted once (Pss)."""
    total = 0
    for each in family(pid):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def family(pid: int) -> list[int]:
    """A process and the children that it has."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def main(argv: Sequence[str]) -> int:
    """Measure; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--keep", action="store_true", help=f"add it to {results.PLACE.name}")
    options = parser.parse_args(argv)
    tools.install_peers()
    found: Found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_repository(folder / "models.git", {**FILES, ".dvc/config": CONFIG})
        for number, (name, (server, seconds)) in enumerate(SERVERS.items()):
            target = same() if name in (SAME, SAME_2) else targets()
            found[name] = measure(server, seconds, folder / f"{number}", target)
            print(table({name: found[name]}), file=sys.stderr)
    reached = compared(found)
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    text = "\n\n".join(
        [
            f"## {date}: {WORK}",
            f"- machine: {results.machine()}, and the clients\n"
            f"- programs: Python {platform.python_version()}, {', '.join(tools.peers_versions())}\n"
            "- p99 counts those that were not answered in the end with the time that they waited\n"
            "- gto.api.show reads every tag anew for each request",
            targets_table(reached),
            table(found),
        ]
    )
    print(text)
    if options.keep:
        results.keep(text + "\n")
    return 0 if all(target.met for target in reached) else 1


def compared(found: Found) -> list[Target]:
    """Rate and p99 of our one process beside the peer's, and our errors, of which none may be."""
    targets = []
    for clients, (each, _) in found[OURS].items():
        peer, _ = found[PEER][clients]
        slowest = 1 / peer.seconds  # if it gave no answer at all
        rate, p99 = each.rate / max(peer.rate, slowest), peer.p99 / each.p99
        targets.append(Target(f"requests a second, {clients} at once", PEER, LEAST, rate))
        targets.append(Target(f"p99, {clients} at once", PEER, LEAST, p99))
    errors = sum(each.errors for name in set(found) - {PEER} for each, _ in found[name].values())
    most = CLIENTS[-1]
    one, cost = found[SAME][most]
    two, _ = found[SAME_2][most]
    return [
        *targets,
        Target("all requests", "our errors", 1, errors, most=True),
        Target(f"same, {most} at once", "answers a second, 1 process", 5000, one.rate),
        Target(f"same, {most} at once", "answers a second, 2 processes", 10_000, two.rate),
        Target(f"same, {most} at once", "p99 of 1 process, ms", 30, 1000 * one.p99, most=True),
        Target(f"same, {most} at once", "processor, us", 200, 1e6 * cost.processor, most=True),
    ]


def table(found: Found) -> str:
    """A row for each server and number of clients."""
    lines = [
        "| server | clients | requests a second | p99, ms | errors | processor, us | memory, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, measured in found.items():
        for clients, (each, cost) in measured.items():
            rate = f"{each.rate:,.0f}" if each.rate >= 10 else f"{each.rate:.2f}"
            figures = f"{rate} | {1000 * each.p99:,.1f} | {each.errors}"
            figures += f" | {1e6 * cost.processor:,.0f} | {cost.memory:,.0f}"
            lines.append(f"| {name} | {clients} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
