from __future__ import annotations

import os
import posixpath
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio_action.errors import BadInput, NoSuchModel, TokenRefused, UnexpectedAnswer, Unreachable
from studio_action.gitrepo.git.credential import Credential
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.git.revision import Revision
from studio_action.gitrepo.git.tag_ref import TagRef
from tests import sample
from tests.gitrepo.repositories import committed, git, made_at, make_git, sample_at
from tests.servers.git import GitServer, git_server

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bare repositories."""
    folder = tmp_path_factory.mktemp("served")
    sample_at(folder / "sample.git")
    return folder


@pytest.fixture
def server(served: Path) -> Iterator[GitServer]:
    with git_server(served) as running:
        yield running


@pytest.fixture
def private(served: Path) -> Iterator[GitServer]:
    with git_server(served, password=PASSWORD) as running:
        yield running


Open = Callable[[], Repository]


@pytest.fixture(params=["in place", "over http"])
def opened(
    request: pytest.FixtureRequest, served: Path, server: GitServer, tmp_path: Path
) -> Iterator[Repository]:
    """The sample repository, read where it is or fetched from a server."""
    if request.param == "in place":
        repository = Repository.open(served / "sample.git", make_git())
    else:
        repository = Repository.clone_from(
            f"{server.url}/sample.git", make_git(), tmp_path / "scratch"
        )
    with repository:
        yield repository


def paths(revision: Revision, folder: str = "") -> list[str]:
    """The paths of all files, which are asked for folder by folder."""
    found = []
    for name, entry in revision.listing(folder).items():
        path = posixpath.join(folder, name)
        found += paths(revision, path) if entry.is_folder else [path]
    return found


def head(served: Path) -> str:
    return git(served / "sample.git", "rev-parse", "main")


# What both kinds answer


def test_tags__as_git_shows_them(opened: Repository, served: Path) -> None:
    tags = {tag.name: tag for tag in opened.tags()}

    shown = git(served / "sample.git", "tag", "--list")
    assert set(tags) == set(shown.splitlines())
    assert not tags["text-classifier@v9.9.9"].annotated
    found = tags["text-classifier@v1.0.0"]
    asked = git(
        served / "sample.git",
        "for-each-ref",
        "--format=%(taggerdate:unix)",
        f"refs/tags/{found.name}",
    )
    expected = sample.expected()["models"]["text-classifier"]["versions"]["v1.0.0"]
    own = git(served / "sample.git", "rev-parse", f"refs/tags/{found.name}")
    who = ("Ada Example", own, "ada@example.com")
    assert found == TagRef(found.name, expected["revision"], int(asked), True, *who)


def test_revision__files_as_git_shows_them(opened: Repository, served: Path) -> None:
    revision = opened.revision(head(served))

    shown = git(served / "sample.git", "ls-tree", "-r", "-z", "--name-only", "main")
    assert sorted(paths(revision)) == sorted(shown.rstrip("\0").split("\0"))
    content = revision.read(["dvc.yaml", ".dvc/config", "nowhere", "models"])
    assert sorted(content) == [".dvc/config", "dvc.yaml"]
    asked = ["git", "-C", str(served / "sample.git"), "show", "main:dvc.yaml"]
    assert content["dvc.yaml"] == subprocess.run(asked, check=True, capture_output=True).stdout


def test_save__content_in_a_file(opened: Repository, served: Path, tmp_path: Path) -> None:
    opened.revision(head(served)).save("in-git/model.json", tmp_path / "saved")

    assert (tmp_path / "saved").read_bytes() == b'{"intercept": 0.5}\n'


def test_is_ancestor__of_a_branch(opened: Repository) -> None:
    main = opened.branch("main")
    first = next(tag for tag in opened.tags() if tag.name == "git-model@v1.0.0").revision

    assert main is not None
    assert opened.is_ancestor(first, main)
    assert opened.is_ancestor(main, main)
    assert not opened.is_ancestor(main, first)


def test_branch__unknown(opened: Repository) -> None:
    assert opened.branch("mai") is None


# In place


def test_open__no_repository(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no Git repository"):
        Repository.open(tmp_path, make_git())
    with pytest.raises(BadInput, match="no Git repository"):
        Repository.open(tmp_path / "missing", make_git())


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_open__nothing_of_a_checkout_changes(tmp_path: Path) -> None:
    checkout = made_at(tmp_path / "checkout", {"a": b"1"}, "m@v1.0.0")
    hook = checkout / ".git/hooks/post-index-change"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    (checkout / "a").write_bytes(b"2")
    before = everything(checkout)

    with Repository.open(checkout, make_git()) as repository:
        (tag,) = repository.tags()
        assert repository.revision(tag.revision).read(["a"]) == {"a": b"1"}
        assert repository.branch("main") == tag.revision

    assert everything(checkout) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_open__a_checkout_of_somebody_else(tmp_path: Path) -> None:
    checkout = made_at(tmp_path / "checkout", {"a": b"1"}, "m@v1.0.0")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, 12345, 12345)

    with Repository.open(checkout, make_git()) as repository:
        assert len(repository.tags()) == 1


def test_incomplete__whole_shallow_and_partial(served: Path, tmp_path: Path) -> None:
    origin = f"file://{served / 'sample.git'}"
    git(tmp_path, "clone", "--quiet", origin, "whole")
    git(tmp_path, "clone", "--quiet", "--depth=1", origin, "shallow")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--no-checkout", origin, "partial")

    found = [
        Repository.open(tmp_path / kind, make_git()).incomplete
        for kind in ("whole", "shallow", "partial")
    ]

    assert found == [False, True, True]


def test_read__a_partial_clone_fetches_nothing(served: Path, tmp_path: Path) -> None:
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--filter=blob:none",
        "--no-checkout",
        f"file://{served / 'sample.git'}",
        "partial",
    )
    before = everything(tmp_path)

    with (
        Repository.open(tmp_path / "partial", make_git()) as repository,
        pytest.raises(Unreachable, match="lacks the content"),
    ):
        repository.revision(head(served)).read(["dvc.yaml"])

    assert everything(tmp_path) == before


def test_tags__odd_ones(tmp_path: Path) -> None:
    checkout = made_at(tmp_path / "checkout", {"a": b"1"}, "inner", "m@v1.0.0")
    commit = git(checkout, "rev-parse", "HEAD")
    git(checkout, "tag", "-a", "outer", "-m", "a tag of a tag", "inner")
    git(checkout, "tag", "-a", "content", "-m", "a tag of a file", "HEAD:a")
    git(checkout, "tag", "light")
    git(checkout, "tag", "-a", "naïve", "-m", "beyond ASCII\nwith %00 and \x01 in it")

    with Repository.open(checkout, make_git()) as repository:
        found = {tag.name: tag for tag in repository.tags()}

    assert sorted(found) == ["inner", "light", "m@v1.0.0", "naïve", "outer"]
    assert {tag.revision for tag in found.values()} == {commit}
    assert found["light"] == TagRef("light", commit, 0, annotated=False)


def test_revision__links_and_submodules_are_not_read(tmp_path: Path) -> None:
    checkout = made_at(tmp_path / "checkout", {"a file": b"1", "tool": b"#!"})
    (checkout / "link").symlink_to("/etc/passwd")
    (checkout / "tool").chmod(0o755)
    commit = committed(checkout, {})

    with Repository.open(checkout, make_git()) as repository:
        revision = repository.revision(commit)
        modes = {name: entry.mode for name, entry in revision.listing("").items()}
        assert modes == {"a file": 0o100644, "link": 0o120000, "tool": 0o100755}
        assert revision.read(["a file", "link", "tool"]) == {"a file": b"1", "tool": b"#!"}


# Over the network


def test_clone_from__files_come_by_one_request(
    server: GitServer, served: Path, tmp_path: Path
) -> None:
    url = f"{server.url}/sample.git"
    with Repository.clone_from(url, make_git(), tmp_path / "scratch") as repository:
        revision = repository.revision(head(served))
        files = [path for path in paths(revision) if path.endswith(".dvc")]
        before = len(server.requests)

        assert len(revision.read(files)) == len(files) > 5
        after = len(server.requests)
        revision.read(files)

    assert after - before == 2  # what the server can do, then the objects
    assert len(server.requests) == after


def test_clone_from__a_kept_folder_forgets_deleted_tags(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    bare = sample_at(tmp_path / "served/sample.git")
    with git_server(tmp_path / "served") as server:
        url, kept = f"{server.url}/sample.git", tmp_path / "kept"
        with Repository.clone_from(url, make_git(), kept) as repository:
            assert "gone-model@v1.0.0" in {tag.name for tag in repository.tags()}
        git(bare, "tag", "--delete", "gone-model@v1.0.0")
        git(bare, "tag", "-a", "new@v1.0.0", "-m", "new", "main")

        with Repository.clone_from(url, make_git(), kept) as repository:
            names = {tag.name for tag in repository.tags()}

    assert "gone-model@v1.0.0" not in names
    assert "new@v1.0.0" in names


@pytest.mark.parametrize("old", [False, True], ids=["protocol 2", "protocol 0"])
@pytest.mark.parametrize("filters", ["true", "false"], ids=["filters", "does not filter"])
def test_clone_from__servers_of_all_ages(tmp_path: Path, old: bool, filters: str) -> None:
    (tmp_path / "served").mkdir()
    bare = sample_at(tmp_path / "served/sample.git")
    git(bare, "config", "uploadpack.allowFilter", filters)
    with git_server(tmp_path / "served") as server:
        server.old = old
        url = f"{server.url}/sample.git"
        with Repository.clone_from(url, make_git(), tmp_path / "scratch") as repository:
            content = repository.revision(git(bare, "rev-parse", "main")).read(["dvc.yaml"])

    assert list(content) == ["dvc.yaml"]


@pytest.mark.parametrize("old", [False, True], ids=["protocol 2", "protocol 0"])
@pytest.mark.parametrize("filters", ["true", "false"], ids=["filters", "does not filter"])
def test_default_branch__of_servers_of_all_ages(tmp_path: Path, old: bool, filters: str) -> None:
    """Its last commit is on no tag, and another branch has the same file."""
    made = made_at(tmp_path / "made", {"a": b"tagged"}, "m@v1.0.0")
    last = committed(made, {"a": b"last"})
    git(made, "switch", "--quiet", "-c", "other")
    committed(made, {"a": b"other"})
    (tmp_path / "served").mkdir()
    bare = tmp_path / "served/m.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(made), str(bare))
    git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
    git(bare, "config", "uploadpack.allowFilter", filters)
    with git_server(tmp_path / "served") as server:
        server.old = old
        url = f"{server.url}/m.git"
        for name, repository in (
            ("a", Repository.clone_from(url, make_git(), tmp_path / "a", default_branch=True)),
            ("b", Repository.clone_default_branch(url, make_git(), tmp_path / "b")),
        ):
            with repository, repository.with_git(make_git()) as again:
                for each in (repository, again):
                    found = each.default_branch()
                    assert found is not None, name
                    assert found.revision == last
                    assert found.read_one("a", 4) == b"last"
                    with pytest.raises(UnexpectedAnswer):
                        found.read_one("a", 3)


def test_default_branch__that_is_not_there(tmp_path: Path) -> None:
    made = made_at(tmp_path / "made", {"a": b"a"}, "m@v1.0.0")
    git(made, "symbolic-ref", "HEAD", "refs/heads/none")

    with Repository.clone_from(
        str(made / ".git"), make_git(), tmp_path / "scratch", default_branch=True
    ) as repository:
        assert repository.default_branch() is None
        assert [tag.name for tag in repository.tags()] == ["m@v1.0.0"]


def test_branch__is_no_tag_that_is_called_like_one(tmp_path: Path) -> None:
    """Git takes `refs/tags/refs/heads/main` for `refs/heads/main`, where that is not there."""
    made = made_at(tmp_path / "made", {"a": b"a"}, "m@v1.0.0")
    main = git(made, "rev-parse", "HEAD")
    git(made, "switch", "--quiet", "-c", "mallory")
    committed(made, {"a": b"b"})
    called = ("refs/heads/none", "refs/remotes/origin/main", "refs/remote-head/HEAD")
    for name in (*called, "refs/remotes/origin/HEAD"):
        git(made, "update-ref", f"refs/tags/{name}", "HEAD")
    git(made, "symbolic-ref", "HEAD", "refs/heads/unborn")
    url = str(made / ".git")
    git(tmp_path, "init", "--quiet", "checkout")
    git(tmp_path / "checkout", "remote", "add", "origin", url)
    git(tmp_path / "checkout", "fetch", "--quiet", "origin", "+refs/tags/*:refs/tags/*")

    with Repository.clone_from(url, make_git(), tmp_path / "s", default_branch=True) as fetched:
        assert (fetched.branch("main"), fetched.branch("none")) == (main, None)
        assert fetched.default_branch() is None
    with Repository.open(tmp_path / "checkout", make_git()) as checkout:
        assert checkout.branch("main") is None
        assert checkout.default_branch() is None


def test_default_branch__of_a_checkout_is_its_origins(tmp_path: Path) -> None:
    """What is checked out counts where there is no `origin`, or where nothing can be."""
    made = made_at(tmp_path / "made", {"a": b"a"})
    git(tmp_path, "clone", "--quiet", str(made), "clone")
    git(tmp_path, "clone", "--quiet", "--bare", str(made), "bare")
    first, own = git(made, "rev-parse", "HEAD"), committed(tmp_path / "clone", {"a": b"b"})

    def seen(name: str) -> str | None:
        with Repository.open(tmp_path / name, make_git()) as repository:
            found = repository.default_branch()
            return found.revision if found else None

    assert [seen(name) for name in ("made", "clone", "bare")] == [first, first, first]
    git(tmp_path / "clone", "remote", "set-head", "origin", "--delete")
    assert seen("clone") is None
    git(tmp_path / "clone", "remote", "remove", "origin")
    assert seen("clone") == own


def test_clone_from__with_a_password(private: GitServer, served: Path, tmp_path: Path) -> None:
    url = f"{private.url}/sample.git"
    program = make_git(credential=Credential(private.url, PASSWORD))

    with Repository.clone_from(url, program, tmp_path / "scratch") as repository:
        assert repository.tags()
        assert repository.revision(head(served)).read(["dvc.yaml"])

    assert private.users == {"x-access-token"}
    written = b"".join(content for _, content in everything(tmp_path / "scratch").values())
    assert PASSWORD.encode() not in written


def test_clone_from__a_password_is_not_given_to_an_open_server(
    server: GitServer, tmp_path: Path
) -> None:
    program = make_git(credential=Credential(server.url, PASSWORD))

    with Repository.clone_from(f"{server.url}/sample.git", program, tmp_path / "scratch"):
        assert server.users == set()


def test_clone_from__a_password_does_not_follow_a_redirect(
    private: GitServer, served: Path, tmp_path: Path
) -> None:
    program = make_git(credential=Credential(private.url, PASSWORD), retries=0)

    with git_server(served, password="another") as elsewhere:
        path = "sample.git/info/refs?service=git-upload-pack"
        private.script.append(f"{elsewhere.url}/{path}")
        with pytest.raises(TokenRefused):
            Repository.clone_from(f"{private.url}/sample.git", program, tmp_path / "scratch")

    assert len(elsewhere.requests) == 1
    assert elsewhere.users == private.users == set()


@pytest.mark.parametrize("token", ["", "wrong"], ids=["no token", "a wrong token"])
def test_clone_from__refused(private: GitServer, tmp_path: Path, token: str) -> None:
    credential = Credential(private.url, token) if token else None

    with pytest.raises(TokenRefused, match=r"give a git-token") as caught:
        Repository.clone_from(
            f"{private.url}/sample.git", make_git(credential=credential), tmp_path / "scratch"
        )

    assert not token or token not in str(caught.value)


def test_clone_from__no_such_repository(server: GitServer, tmp_path: Path) -> None:
    with pytest.raises(NoSuchModel, match=r"there is no repository at .*/none\.git"):
        Repository.clone_from(f"{server.url}/none.git", make_git(), tmp_path / "scratch")


def test_clone_from__a_server_that_fails_at_first(server: GitServer, tmp_path: Path) -> None:
    server.script.extend([503, 500])
    told: list[str] = []

    with Repository.clone_from(
        f"{server.url}/sample.git", make_git(log=told.append), tmp_path / "scratch"
    ):
        pass

    assert len(told) == 2
    assert "trying again in 375 ms (1 of 2)" in told[0]


def test_clone_from__a_server_that_keeps_failing(server: GitServer, tmp_path: Path) -> None:
    server.script.extend([503] * 3)

    with pytest.raises(Unreachable, match="503"):
        Repository.clone_from(
            f"{server.url}/sample.git", make_git(log=lambda line: None), tmp_path / "s"
        )

    assert not server.script


def test_clone_from__nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        Repository.clone_from("http://127.0.0.1:1/a.git", make_git(retries=0), tmp_path / "scratch")


@pytest.mark.parametrize(
    "url", ["ext::touch${IFS}ran", "file:///tmp", "git://127.0.0.1/a"], ids=["ext", "file", "git"]
)
def test_clone_from__other_transports_are_off(tmp_path: Path, url: str) -> None:
    with pytest.raises(Unreachable, match="not allowed"):
        Repository.clone_from(url, make_git(retries=0), tmp_path / "scratch")


def test_clone_from__a_thousand_tags(tmp_path: Path) -> None:
    checkout = made_at(tmp_path / "checkout", {"dvc.yaml": b"artifacts: {m: {path: a}}\n"})
    for number in range(10):
        committed(checkout, {"data": os.urandom(200_000), "number": str(number).encode()})
    commits = git(checkout, "rev-list", "HEAD").split()
    commands = "".join(
        f"tag m@v1.{number}.0\nfrom {commits[number % len(commits)]}\n"
        f"tagger Ada <ada@example.com> {1_700_000_000 + number} +0000\ndata 2\nm\n"
        for number in range(1000)
    )
    git(checkout, "fast-import", "--quiet", stdin=commands)
    (tmp_path / "served").mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "checkout", "served/many.git")
    git(tmp_path / "served/many.git", "config", "uploadpack.allowFilter", "true")
    git(tmp_path / "served/many.git", "repack", "-adq")  # with a bitmap, as large servers have it

    with git_server(tmp_path / "served") as server:
        started = time.perf_counter()
        with Repository.clone_from(
            f"{server.url}/many.git", make_git(), tmp_path / "scratch"
        ) as opened:
            tags = opened.tags()
            newest = opened.revision(commits[0]).read(["dvc.yaml", "number"])
        seconds = time.perf_counter() - started

    assert newest["number"] == b"9"
    assert {tag.when for tag in tags} == set(range(1_700_000_000, 1_700_001_000))
    assert seconds < 10
    fetched = sum(len(content) for _, content in everything(tmp_path / "scratch").values())
    assert fetched < 1_000_000  # of two million bytes of data, none


# From a folder of this machine


@pytest.mark.parametrize(
    "owner",
    [
        "ours",
        pytest.param(
            "another's", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give")
        ),
    ],
)
def test_clone_from__a_folder(served: Path, tmp_path: Path, owner: str) -> None:
    bare = sample_at(tmp_path / "sample.git")
    git(bare, "config", "--unset", "uploadpack.allowFilter")
    if owner != "ours":
        for path in [bare, *bare.rglob("*")]:
            os.chown(path, 12345, 12345)

    with Repository.clone_from(str(bare), make_git(), tmp_path / "scratch") as repository:
        assert repository.tags()
        assert not (tmp_path / "scratch/refs/heads/main").exists()
        assert list(repository.revision(head(served)).read(["dvc.yaml"])) == ["dvc.yaml"]
        assert repository.incomplete  # no content came but what was asked for


def test_clone_from__a_folder_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(NoSuchModel, match="there is no repository at"):
        Repository.clone_from(str(tmp_path / "none"), make_git(retries=0), tmp_path / "scratch")
