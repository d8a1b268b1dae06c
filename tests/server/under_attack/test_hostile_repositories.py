"""Repositories that stand for more than anyone has, in a server that others ask meanwhile.

Whoever asks for them gets a clear answer; the others get theirs within a second, and the process
stays within half a gigabyte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests import sample
from tests.gitrepo.huge import bomb, tagged, tree
from tests.gitrepo.repositories import committed, git, made_at, sample_at
from tests.server.under_attack.registry import Registry, registry, somebody_else

pytestmark = pytest.mark.servers

SOON = 2.0
"""Seconds that another may have to wait, at the 99th percentile and on a busy machine."""
MOST_MEMORY = 500
"""Megabytes of the process, whatever was asked of it."""
AT_ONCE = 4
VERSIONS = 3

ANNOTATED = "artifacts:\n  m: {path: m}\n"
OUT = "outs: [{path: m, md5: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a, hash: md5}]\n"


def of_yaml(text: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, store: Path) -> None:
        made_at(folder, {"dvc.yaml": (ANNOTATED + text).encode(), "m": b"m"}, "m@v1.0.0")

    return make


def commits(folder: Path, store: Path) -> None:
    """Versions whose files are all hard to read."""
    made_at(folder, {"m": b"m"})
    for number in range(VERSIONS):
        text = f"{ANNOTATED}x{number}: [{'1,' * 50_000}1]\n".encode()
        committed(folder, {"dvc.yaml": text}, f"m@v1.{number}.0")


def tags(folder: Path, store: Path) -> None:
    """Ten thousand versions and as many stages, all of one tag object."""
    made_at(folder, {"dvc.yaml": ANNOTATED.encode(), "m": b"m"}, "m@v1.0.0")
    tag, commit = git(folder, "rev-parse", "m@v1.0.0", "HEAD").split()
    names = sorted(
        [f"m@v0.0.{number}" for number in range(10_000)]
        + [f"m#s{number}" for number in range(10_000)]
    )
    lines = "".join(f"{tag} refs/tags/{name}\n^{commit}\n" for name in names)
    (folder / ".git/packed-refs").write_text(f"# pack-refs with: peeled fully-peeled \n{lines}")


def many(folder: Path) -> None:
    """Five thousand models, each of a version, and a thousand that are deprecated."""
    made_at(folder, {"m": b"m"}, "m@v1.0.0")
    tag, commit = git(folder, "rev-parse", "m@v1.0.0", "HEAD").split()
    names = [f"model-{number:04}@v1.0.0" for number in range(5000)]
    names += [f"old-{number:04}@deprecated" for number in range(1000)]
    lines = "".join(f"{tag} refs/tags/{name}\n^{commit}\n" for name in names)
    (folder / ".git/packed-refs").write_text(f"# pack-refs with: peeled fully-peeled \n{lines}")


def files(folder: Path, store: Path) -> None:
    """A hundred thousand files of DVC's, none of which tells of the model."""
    made_at(folder, {"m": b"m"})
    blob = git(folder, "hash-object", "-w", "--stdin", stdin=OUT)
    inner = tree(folder, *(("100644", blob, f"f{number}.dvc") for number in range(1000)))
    top = git(folder, "hash-object", "-w", "--stdin", stdin=ANNOTATED)
    many = (("040000", inner, f"d{number}") for number in range(100))
    tagged(folder, tree(folder, ("100644", top, "dvc.yaml"), *many))


def of_manifest(content: bytes) -> Callable[[Path, Path], None]:
    def make(folder: Path, store: Path) -> None:
        digest = hashlib.md5(content).hexdigest()
        place = store / "files/md5" / digest[:2] / f"{digest[2:]}.dir"
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
        config = b"[core]\nremote = store\n['remote \"store\"']\nurl = /nowhere\n"
        out = f"outs: [{{path: m, hash: md5, md5: {digest}.dir}}]".encode()
        made_at(
            folder,
            {"dvc.yaml": ANNOTATED.encode(), "m.dvc": out, ".dvc/config": config},
            "m@v1.0.0",
        )

    return make


ENTRY = b'{"md5":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a","relpath":"%d"},'


@dataclass(frozen=True)
class Hostile:
    """A repository, and what is answered to whoever asks for its model `m`."""

    make: Callable[[Path, Path], None]
    status: int
    answer: str


HOSTILE = {
    "a dvc.yaml of 60 MB": Hostile(
        of_yaml("x:\n" + "- [1,2,3,4,5,6,7,8,9]\n" * (60_000_000 // 22)),
        409,
        "dvc.yaml at COMMIT has 60.0 MB, more than 16.8 MB",
    ),
    "a dvc.yaml of millions of values": Hostile(
        of_yaml("x:\n" + "- [1,2,3,4,5,6,7,8,9]\n" * (16_000_000 // 22)),
        409,
        "dvc.yaml at COMMIT has more than 300000 values",
    ),
    "a dvc.yaml of one line": Hostile(of_yaml(f"x: '{'y' * (16 << 20)}'\n"), 409, "more than 16.8"),
    "versions that are all large": Hostile(commits, 200, "v1.0.0"),
    "20,000 tags": Hostile(tags, 200, '"version":"v1.0.0"'),
    "a tree of 10,000,000,000 files": Hostile(
        lambda folder, store: bomb(folder, 100, 5, dvc_yaml=ANNOTATED) and None,
        409,
        "the repository has more than 1,000,000 files at COMMIT",
    ),
    "a tree that is 150 deep": Hostile(
        lambda folder, store: (
            bomb(folder, 1, 150, dvc_yaml="artifacts:\n  m: {path: x}\n") and None
        ),
        409,
        "the repository has folders that are more than 100 deep at COMMIT",
    ),
    "100,000 files of DVC's": Hostile(
        files, 409, "the repository has more than 50,000 files of DVC's at COMMIT"
    ),
    "a list of 500,000 files": Hostile(
        of_manifest(b"[" + b"".join(ENTRY % number for number in range(500_000))[:-1] + b"]"),
        409,
        "more than 1,000,000 values",
    ),
    "a list of millions of lists": Hostile(
        of_manifest(b"[" + b"[]," * 10_000_000 + b"[]]"), 409, "more than 1,000,000 values"
    ),
    "a list of 70 MB": Hostile(of_manifest(b" " * 70_000_000), 409, "m.dir' cannot be"),
    "a list that is one text": Hostile(
        of_manifest(b'["' + b"a\\n" * 10_000_000 + b'"]'), 409, "m, [0] is not a mapping"
    ),
}
NAMES = {case: f"evil/case-{number}" for number, case in enumerate(HOSTILE)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, str]]:
    """The server, and a token that may read all; only the honest repository was read so far."""
    folder = tmp_path_factory.mktemp("hostile")
    honest = {"url": str(sample_at(folder / "honest.git")), "remotes": sample.REMOTES}
    repositories: dict[str, object] = {"acme/models": honest}
    for case, name in NAMES.items():
        store = folder / "store" / name
        HOSTILE[case].make(folder / name.replace("/", "-"), store)
        remotes = {"store": {"url": str(store)}}
        url = str(folder / name.replace("/", "-"))
        repositories[name] = {"url": url, "remotes": remotes}
    many(folder / "many")
    repositories["acme/many"] = str(folder / "many")
    folders = {"objects": str(sample.OBJECTS), "store": str(folder / "store")}
    with registry(folder, repositories, folders=folders) as server:
        yield server, server.token(all_repositories=True)


@pytest.mark.parametrize("case", HOSTILE)
def test_resolve__a_hostile_repository(case: str, running: tuple[Registry, str]) -> None:
    server, token = running
    expected, name = HOSTILE[case], NAMES[case]

    def honest() -> requests.Response:
        return server.ask("resolve", token, repo="acme/models", name="text-classifier")

    def hostile(number: int) -> requests.Response:
        query = {"version": f"v1.{number % VERSIONS}.0"} if case.startswith("versions") else {}
        return server.ask("resolve", token, repo=name, name="m", **query)

    with somebody_else(honest) as others, ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(hostile, range(AT_ONCE)))
        listing = server.ask("models", token, repo=name)

    assert {answer.status_code for answer in answers} == {expected.status}
    commit = git(running[0].folder / name.replace("/", "-"), "rev-parse", "m@v1.0.0^{commit}")
    assert expected.answer.replace("COMMIT", commit[:7]) in answers[-1].text
    assert len(answers[-1].text) < 1000
    assert listing.status_code == 200
    assert others.p99 < SOON, sorted(others.waits)[-5:]
    assert server.peak() < MOST_MEMORY


def test_pages__thousands_of_models(running: tuple[Registry, str]) -> None:
    server, token = running
    browser = server.browser(token)
    created = requests.post(
        f"{server.url}/api/create-project",
        json={"repo_url": "acme/many", "name": "Many"},
        headers={"Authorization": f"token {token}"},
        timeout=60,
    )
    url = created.json()["projects"][0]["url"]

    first, last, one = (
        browser.get(url, params=query, timeout=60).text
        for query in ({}, {"page": "50"}, {"q": "model-0000"})
    )

    assert "Page 1 of 51" in first
    assert "model-0048" in first
    assert "model-4949" in last
    assert max(map(len, (first, last, one))) < 200_000
    listing = server.ask("models", token, repo="acme/many").json()["models"]
    assert len(listing) == 6001
