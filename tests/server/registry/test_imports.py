"""Models that are imported: a server follows where its configuration says that it may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_action.errors import BadInput
from studio_action.model.artifact import Latest, Resolution
from studio_action.model.digest import Digest
from studio_action.server.links import InMirror
from studio_action.server.registry.models import Models
from studio_action.server.settings import ServedRepository
from tests.fakes import md5
from tests.gitrepo.repositories import committed, git, made_at
from tests.server.serving import World, made, repository, resolved, settings
from tests.servers.git import GitServer, git_server

CONFIG = b"[core]\nremote = store\n['remote \"store\"']\nurl = /nowhere\n"
MODEL = b"model"


@dataclass
class Site:
    """A Git server with `origin`, which has two models, and a server of ours for what imports."""

    folder: Path
    git: GitServer
    commit: str
    world: World

    def url(self, name: str) -> str:
        return f"{self.git.url}/acme/{name}.git"

    def importing(self, path: str, digest: str, name: str = "last", **repo: object) -> None:
        """Serve a repository whose model is an import."""
        source = {"url": self.url("origin"), "rev_lock": self.commit, **repo}
        outs = [{"path": "m", "md5": digest, "hash": "md5"}]
        dvc_file = json.dumps({"deps": [{"path": path, "repo": source}], "outs": outs})
        files = {"dvc.yaml": b"artifacts: {m: {path: m}}", "m.dvc": dvc_file.encode()}
        made_at(self.folder / name, files, "m@v1.0.0")
        self.publish(name)

    def publish(self, name: str) -> None:
        there = self.git.folder / "acme" / f"{name}.git"
        git(self.folder, "clone", "--quiet", "--bare", str(self.folder / name), str(there))

    def served(self, *others: ServedRepository, **said: Any) -> tuple[Models, ServedRepository]:
        asked = repository(self.url("last"), "acme/last", **said)
        told = settings(
            self.folder / "data", asked, *others, folders={"store": self.folder / "store"}
        )
        return made(told, self.world), asked

    def origin(self, **said: Any) -> ServedRepository:
        remotes = {"store": {"url": str(self.folder / "store")}}
        return repository(self.url("origin"), "acme/origin", remotes=remotes, **said)

    def resolved(self, *others: ServedRepository, **said: Any) -> Resolution:
        models, asked = self.served(*others, **said)
        return resolved(models, asked, "m", Latest())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    tracked = {"outs": [{"path": "m.bin", "md5": md5(MODEL), "hash": "md5"}]}
    files = {".dvc/config": CONFIG, "m.bin.dvc": json.dumps(tracked).encode(), "g.bin": b"git"}
    origin = made_at(tmp_path / "origin", files, "another@v1.0.0")
    commit = committed(origin, {"readme": b"no tag tells of this commit"})
    key = f"files/md5/{md5(MODEL)[:2]}/{md5(MODEL)[2:]}"
    (tmp_path / "store" / key).parent.mkdir(parents=True)
    (tmp_path / "store" / key).write_bytes(MODEL)
    (tmp_path / "served" / "acme").mkdir(parents=True)
    with git_server(tmp_path / "served") as server:
        found = Site(tmp_path, server, commit, World())
        found.publish("origin")
        yield found


def test_resolve__an_import_from_a_repository_that_is_served(site: Site) -> None:
    site.importing("m.bin", md5(MODEL))

    (file,) = site.resolved(site.origin(), imports=frozenset({"acme/origin"})).files

    assert file.path == "m"
    assert file.url == f"https://here/folders/store/files/md5/{md5(MODEL)[:2]}/{md5(MODEL)[2:]}"
    assert file.digest == Digest("md5", md5(MODEL))


def test_resolve__a_file_of_the_other_repositorys_git(site: Site) -> None:
    site.importing("g.bin", md5(b"git"))
    models, asked = site.served(site.origin(), imports=frozenset({"acme/origin"}))

    (file,) = resolved(models, asked, "m", Latest()).files

    _, _, _, _, owner, name, blob, digest = file.url.split("/")
    assert f"{owner}/{name}" == "acme/origin"
    place = models.file(InMirror(f"{owner}/{name}", blob, Digest("md5", digest)))
    assert place.read_bytes() == b"git"


def test_resolve__an_import_of_an_import(site: Site) -> None:
    """Each repository says for itself what it may import."""
    site.importing("m.bin", md5(MODEL), "middle")
    middle_commit = git(site.folder / "middle", "rev-parse", "HEAD")
    site.importing("m", md5(MODEL), url=site.url("middle"), rev_lock=middle_commit)
    allowed = {"imports": frozenset({"acme/middle"})}
    middle = repository(site.url("middle"), "acme/middle", imports=frozenset({"acme/origin"}))

    (file,) = site.resolved(site.origin(), middle, **allowed).files

    assert file.url.startswith("https://here/folders/store/")


@pytest.mark.parametrize("serves", [True, False])
def test_resolve__an_import_that_the_configuration_does_not_allow(site: Site, serves: bool) -> None:
    """Whether the other repository is served at all is not told."""
    site.importing("g.bin", md5(b"git"))
    before = len([path for path, _ in site.git.requests if "/origin.git" in path])

    with pytest.raises(BadInput) as raised:
        site.resolved(*([site.origin()] if serves else []))

    assert str(raised.value) == (
        f"m is imported from {site.url('origin')} at {site.commit[:7]}: acme/last may not import"
        " from there on this server. Serve that repository, and name it among the `imports` of"
        " acme/last in the server's configuration"
    )
    assert len([path for path, _ in site.git.requests if "/origin.git" in path]) == before


def test_resolve__a_way_round_by_another(site: Site) -> None:
    """Who may import from one repository does not so read those that it may not import from."""
    site.importing("m.bin", md5(MODEL), "middle")
    middle_commit = git(site.folder / "middle", "rev-parse", "HEAD")
    site.importing("m", md5(MODEL), url=site.url("middle"), rev_lock=middle_commit)
    middle = repository(site.url("middle"), "acme/middle")

    with pytest.raises(BadInput, match="acme/middle may not import from there"):
        site.resolved(site.origin(), middle, imports=frozenset({"acme/middle", "acme/origin"}))


@pytest.mark.parametrize(
    "said", [{"config": {"remote": {"store": {"url": "s3://x"}}}}, {"remote": {"url": "s3://x"}}]
)
def test_resolve__an_import_that_describes_the_others_remotes(
    site: Site, said: dict[str, Any]
) -> None:
    """It would be one repository's word for where another's credentials go."""
    site.importing("m.bin", md5(MODEL), **said)

    with pytest.raises(BadInput, match="which is not for it to say here"):
        site.resolved(site.origin(), imports=frozenset({"acme/origin"}))
