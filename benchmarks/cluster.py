"""`python -m benchmarks.cluster`: servers over one PostgreSQL behind nginx, of which one is killed.

With one, two and three servers: `resolve`, of which each request names another version, from many
clients that ask again where they get no answer or a 502, 503 or 504, as the step does. First
undisturbed; then one server after the other is killed every few seconds and started again. A
request is lost if it has no answer after so many attempts: of those none may be.

In containers of the image's target `server` (`docker build --target server -t studio-action-server
.`), or with `--processes` as processes of this machine. All on loopback, bounded in count and time.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httptools
import uvloop
from tests.servers.cluster import REPOSITORY, Cluster, Container, Process, cluster
from tests.servers.postgres import postgres
from tests.servers.process import until_ready

from benchmarks import results
from benchmarks.table import Target, targets_table

COUNTS = (1, 2, 3)
TAGS = 200
CLIENTS = 32
SECONDS = 20.0
KILL_EVERY = 4.0
ATTEMPTS = 6
"""How often a client asks for one thing: the step's own `retries` is 5."""
MOST_REQUESTS = 500_000
IMAGE = "studio-action-server"
_RETRIED = frozenset({0, 429, 502, 503, 504})
"""What is asked again; 0 is a connection that broke off."""


@dataclass
class Found:
    """What came of one load: the seconds of each answer with its attempts, and what went wrong."""

    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)
    retries: int = 0
    lost: int = 0
    kills: int = 0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.taken) / self.seconds

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 were answered, with all attempts and pauses."""
        every = sorted(self.taken)
        return every[math.ceil(0.99 * len(every)) - 1]


async def load(running: Cluster, token: str, seconds: float, kill_every: float) -> Found:
    """Ask for so long; kill a server every so many seconds, 0 for none."""
    found, until = Found(), time.perf_counter() + seconds
    began = time.perf_counter()
    clients = [asyncio.create_task(_client(running, token, until, found)) for _ in range(CLIENTS)]
    killer = asyncio.create_task(_kill(running, kill_every, found))
    await asyncio.gather(*clients)
    found.seconds = time.perf_counter() - began
    killer.cancel()
    await asyncio.gather(killer, return_exceptions=True)
    return found


async def _kill(running: Cluster, every: float, found: Found) -> None:
    number = 0
    while every:
        await asyncio.sleep(every)
        node = running.nodes[number % len(running.nodes)]
        number += 1
        await asyncio.to_thread(node.kill)
        found.kills += 1
        await asyncio.to_thread(node.start)
        await asyncio.to_thread(until_ready, f"{node.url}/readyz")


async def _client(running: Cluster, token: str, until: float, found: Found) -> None:
    connection, chance = _Connection(running.url, token), random.Random(id(found))
    while time.perf_counter() < until and len(found.taken) < MOST_REQUESTS:
        version = f"v0.{chance.randrange(TAGS)}.0"
        query = urlencode({"repo": REPOSITORY, "name": "m", "version": version})
        began = time.perf_counter()
        for attempt in range(ATTEMPTS):
            status = await connection.get(f"/api/model-registry/resolve?{query}")
            if status not in _RETRIED:
                break
            found.retries += 1
            await asyncio.sleep(0.25 * 2**attempt)
        if status == 200:
            found.taken.append(time.perf_counter() - began)
        else:
            found.lost += 1
    connection.close()


class _Connection:
    """Requests one after the other over a connection, which is opened anew where it broke off."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = f"Host: {parts.netloc}\r\nAuthorization: token {token}\r\n\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, target: str) -> int:
        """The status of the answer, 0 where there was none or it broke off."""
        try:
            return await self._ask(f"GET {target} HTTP/1.1\r\n{self._head}".encode())
        except (OSError, httptools.HttpParserError):
            self.close()
            return 0

    async def _ask(self, request: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        answer = _Answer()
        while not answer.complete:
            data = await reader.read(1 << 16)
            if not data:
                raise ConnectionError("broke off")
            answer.parser.feed_data(data)
        if not answer.parser.should_keep_alive():
            self.close()
        return int(answer.parser.get_status_code())

    def close(self) -> None:
        """Ask over another connection the next time."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class _Answer:
    def __init__(self) -> None:
        self.parser, self.complete = httptools.HttpResponseParser(self), False

    def on_message_complete(self) -> None:
        self.complete = True


@contextmanager
def servers(database_url: str, count: int, containers: bool) -> Iterator[tuple[Cluster, str]]:
    """So many servers, and a token."""
    launch = Container.of(IMAGE) if containers else Process.start
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster(Path(folder), database_url, count, launch, TAGS) as running,
    ):
        token, _ = running.token()
        yield running, token


def table(found: dict[tuple[int, bool], Found]) -> str:
    """A row for each load."""
    lines = [
        "| servers | killed | answers a second | p99, ms | asked again | lost |",
        "|---|---|---|---|---|---|",
    ]
    for (count, _), each in found.items():
        kills = f"{each.kills} times" if each.kills else "none"
        figures = f"{each.rate:,.0f} | {1000 * each.p99:,.0f} | {each.retries} | {each.lost}"
        lines.append(f"| {count} | {kills} | {figures} |")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Measure; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--keep", action="store_true", help=f"add it to {results.PLACE.name}")
    parser.add_argument("--processes", action="store_true", help="no containers")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load")
    options = parser.parse_args(argv)
    found: dict[tuple[int, bool], Found] = {}
    with postgres() as database:
        for count in COUNTS:
            url = database.create_database()
            with servers(url, count, not options.processes) as (running, token):
                uvloop.run(load(running, token, options.seconds / 5, 0))
                for kills in (False, True) if count > 1 else (False,):
                    every = KILL_EVERY if kills else 0
                    load_ = load(running, token, options.seconds, every)
                    found[count, kills] = uvloop.run(load_)
                    print(table(found), file=sys.stderr)
            database.drop_database(url)
    lost = sum(each.lost for each in found.values())
    retries = sum(each.retries for (_, kills), each in found.items() if not kills)
    targets = [
        Target("all loads", "requests lost", 1, lost, most=True),
        Target("undisturbed", "asked again", 1, retries, most=True),
    ]
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    how = "processes" if options.processes else f"containers ({_image()})"
    text = "\n\n".join(
        [
            f"## {date}: servers over one PostgreSQL behind nginx, killed one after the other",
            f"- machine: {results.machine()}, PostgreSQL, nginx and the clients\n"
            f"- servers: {how}, `resolve` of {TAGS} versions, {CLIENTS} clients,"
            f" {options.seconds:g} s each; killed every {KILL_EVERY:g} s (SIGKILL)\n"
            f"- a client asks up to {ATTEMPTS} times, as the step does; p99 has all of its attempts"
            " and pauses in it",
            targets_table(targets),
            table(found),
        ]
    )
    print(text)
    if options.keep:
        results.keep(text + "\n")
    return 0 if all(target.met for target in targets) else 1


def _image() -> str:
    command = ["docker", "image", "inspect", "--format={{.Id}}", IMAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()[:19]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
