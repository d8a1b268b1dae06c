"""`python -m benchmarks.resolving`: which version is it, asked of a repository with a long history.

1,000 tags and 40 MB of history, over HTTP on loopback: the resolving of source `git` against that
of `dvc artifacts get`, each in a new process that has nothing yet, from the imports to the answer.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.servers.git import git_server

from benchmarks import tools
from benchmarks.measuring import Result, Sample, timed
from benchmarks.table import OURS, Target, targets_table

TAGS = 1000
BLOB = 40_000
"""Bytes in every commit that cannot be compressed."""
ROUNDS = 5
LEAST = 10.0
PEER = "dvc.api.artifacts_show"
WORK = f"resolving, {TAGS:,} tags and {TAGS * BLOB // 1_000_000} MB of history"
FILES = {
    ".dvc/config": "[core]\n    remote = r\n['remote \"r\"']\n    url = http://127.0.0.1:1/r\n",
    "dvc.yaml": "artifacts:\n  m:\n    path: m.bin\n",
    "m.bin.dvc": "outs:\n- md5: abcdefabcdefabcdefabcdefabcdefab\n  size: 1\n  hash: md5\n"
    "  path: m.bin\n",
}

MINE = """
import os, sys, tempfile, time
from datetime import datetime, timezone
from pathlib import Path
from studio_action.run import commands
from studio_action.model.artifact import ArtifactRef, Latest, ModelName
from studio_action.net.clock import Deadline, Limits
from studio_action.gitrepo.git.program import Git
from studio_action.gitrepo.remotes.identity import Identity
from studio_action.gitrepo.remotes.opening import StorageRemotes
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.locate.context import ResolveContext
from studio_action.net.network import Network
from studio_action.policy.reading import read_committed
from studio_action.registries.git import GitRegistry
started = time.perf_counter()
with tempfile.TemporaryDirectory() as scratch:
    git = Git(Network(), Limits(30, 0, Deadline(), lambda: 0.0), os.environ, print)
    folder = Path(scratch, "repository")
    with Repository.clone_from(sys.argv[1], git, folder, default_branch=True) as repository:
        assert read_committed(repository.default_branch()) is None
        around = ResolveContext(
            StorageRemotes(Network(), Identity(os.environ)), None, Path(scratch), os.environ, None,
            lambda: datetime.now(timezone.utc), print, None,
        )
        registry = GitRegistry(repository, around, "include", print, print)
        found = registry.resolve(ArtifactRef(sys.argv[1], ModelName("m")), Latest())
assert found.version == "v0.999.0", found
"""
THEIRS = """
import sys, time
from dvc.api import artifacts_show
from dvc.repo import Repo
started = time.perf_counter()
found = artifacts_show("m", repo=sys.argv[1])
assert found["path"] == "m.bin", found
"""
END = """
took = time.perf_counter() - started
print(took)
"""


def history(files: Mapping[str, str]) -> bytes:
    """Input for `git fast-import`: a commit and a version for each tag, `files` in all of them."""
    chance, stream = random.Random(40), bytearray()
    for number in range(TAGS):
        who = b"Ada <ada@example.com> %d +0000" % (1_700_000_000 + number)
        stream += b"commit refs/heads/main\nmark :%d\ncommitter %s\n" % (number + 1, who)
        stream += _data(b"One more") + b"M 644 inline blob\n" + _data(chance.randbytes(BLOB))
        for path, text in files.items() if not number else ():
            stream += b"M 644 inline %s\n" % path.encode() + _data(text.encode())
        stream += b"tag m@v0.%d.0\nfrom :%d\ntagger %s\n" % (number, number + 1, who)
        stream += _data(b"A version")
    return bytes(stream)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def make_repository(folder: Path, files: Mapping[str, str] = FILES) -> None:
    """A bare repository, as a Git server has it."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", folder], check=True)
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "config", "uploadpack.allowFilter", "true"], check=True)
    subprocess.run([*git, "fast-import", "--quiet"], input=history(files), check=True)
    subprocess.run([*git, "repack", "-q", "-a", "-d"], check=True)
    subprocess.run([*git, "pack-refs", "--all"], check=True)


def seconds(python: str | Path, script: str, url: str, folder: Path) -> Sample:
    """One resolving in a new process, from its imports to the answer."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DVC_NO_ANALYTICS": "1"}
    peak = folder / "peak"
    done = subprocess.run(
        [*timed(peak), python, "-c", script, url],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Sample(float(done.stdout), 0.0, int(peak.read_text()) / 1024)


def main() -> int:
    """Measure; 1 if the target was missed."""
    tools.install_peers()
    samples: dict[str, list[Sample]] = {OURS: [], PEER: []}
    pythons = {OURS: Path(sys.executable), PEER: tools.peers() / "python"}
    scripts = {OURS: MINE, PEER: THEIRS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_repository(folder / "models.git")
        with git_server(folder) as server:
            for _ in range(ROUNDS):
                for name, taken in samples.items():
                    url = f"{server.url}/models.git"
                    taken.append(seconds(pythons[name], scripts[name] + END, url, folder))
    results = [Result(name, tuple(taken)) for name, taken in samples.items()]
    mine, peer = results
    target = Target(WORK, PEER, LEAST, peer.seconds / mine.seconds)
    print(f"### {WORK}\n")
    for result in results:
        print(
            f"- {result.tool}: {result.seconds:.2f} s ({result.spread[0]:.2f} to"
            f" {result.spread[1]:.2f}), {result.memory:.0f} MiB"
        )
    print(f"\n{targets_table([target])}")
    return 0 if target.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
