"""`python -m benchmarks.resolving`: which version is it, asked of a repository with a long history.

1,000 tags and 40 MB of history, over HTTP on loopback: ours with source `git` against the
resolving of `dvc artifacts get`, as whole processes, in turn.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.git import git_server

from benchmarks import measuring, tools
from benchmarks.measuring import Result, Sample
from benchmarks.table import OURS, Target, results_table, targets_table
from benchmarks.tools import Command

TAGS = 1000
BLOB = 40_000
"""Bytes in every commit that cannot be compressed."""
ROUNDS = 5
LEAST = 10.0
PEER = "dvc artifacts get --show-url"
WORK = f"resolving, {TAGS:,} tags and {TAGS * BLOB // 1_000_000} MB of history"
FILES = {
    ".dvc/config": "[core]\n    remote = r\n['remote \"r\"']\n    url = http://127.0.0.1:1/r\n",
    "dvc.yaml": "artifacts:\n  m:\n    path: m.bin\n",
    "m.bin.dvc": "outs:\n- md5: abcdefabcdefabcdefabcdefabcdefab\n  size: 1\n  hash: md5\n"
    "  path: m.bin\n",
}


def history() -> bytes:
    """Input for `git fast-import`: a commit and a version for each tag."""
    chance, stream = random.Random(40), bytearray()
    for number in range(TAGS):
        who = b"Ada <ada@example.com> %d +0000" % (1_700_000_000 + number)
        stream += b"commit refs/heads/main\nmark :%d\ncommitter %s\n" % (number + 1, who)
        stream += _data(b"One more") + b"M 644 inline blob\n" + _data(chance.randbytes(BLOB))
        for path, text in FILES.items() if not number else ():
            stream += b"M 644 inline %s\n" % path.encode() + _data(text.encode())
        stream += b"tag m@v0.%d.0\nfrom :%d\ntagger %s\n" % (number, number + 1, who)
        stream += _data(b"A version")
    return bytes(stream)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def make_repository(folder: Path) -> None:
    """A bare repository, as a Git server has it."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", folder], check=True)
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "config", "uploadpack.allowFilter", "true"], check=True)
    subprocess.run([*git, "fast-import", "--quiet"], input=history(), check=True)
    subprocess.run([*git, "repack", "-q", "-a", "-d"], check=True)
    subprocess.run([*git, "pack-refs", "--all"], check=True)


def commands(url: str) -> dict[str, Command]:
    """How each tool is asked for the latest version."""
    program = str(Path(sys.executable).with_name("studio-action"))
    ours = [program, "resolve-model", "--source=git", f"--repo={url}", "--model=m"]
    dvc = [str(tools.peers() / "dvc"), "artifacts", "get", url, "m", "--show-url"]
    return {OURS: Command(ours), PEER: Command(dvc, environment={"DVC_NO_ANALYTICS": "1"})}


def main() -> int:
    """Measure; 1 if the target was missed."""
    tools.install_peers()
    samples: dict[str, list[Sample]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_repository(folder / "models.git")
        with git_server(folder) as server:
            asked = commands(f"{server.url}/models.git")
            for round_ in range(ROUNDS + 1):
                for name, command in asked.items():
                    sample = measuring.run(command, folder, folder / "log")
                    if round_:  # the first one warms up
                        samples.setdefault(name, []).append(sample)
    results = [Result(name, tuple(taken)) for name, taken in samples.items()]
    mine, peer = results
    target = Target(WORK, PEER, LEAST, peer.seconds / mine.seconds)
    print(f"### {WORK}\n\n{results_table(results)}\n\n{targets_table([target])}")
    return 0 if target.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
