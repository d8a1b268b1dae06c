"""What is required of a version, with source `git`: refused before anything is downloaded."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_action import cli
from tests import sample
from tests.end_to_end.conftest import Program, Ran
from tests.gitrepo.repositories import committed, git, made_at, sample_at
from tests.reference import REPOSITORY
from tests.servers.git import GitServer, git_server

FILES = {"dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n", "m.bin": b"model"}
LONG_AGO = "2020-03-01T12:00:00+00:00"


def run(
    program: Program, repository: Path | str, *options: str, command: str = "download-model"
) -> Ran:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    asked = ("--model=m", f"--repo={repository}", *options)
    return program.run(command, *asked, **environ, DVC_STUDIO_URL="", DVC_STUDIO_TOKEN="")


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1, of long ago, which Mallory gave the stage prod today."""
    folder = made_at(tmp_path_factory.mktemp("policy") / "made", FILES)
    git(folder, "tag", "-a", "m@v1.0.0", "-m", "x", date=LONG_AGO)
    mallory = f"Mallory <mallory@example.net> {int(time.time())} +0000"
    head = git(folder, "rev-parse", "HEAD")
    made = f"tag m#prod#1\nfrom {head}\ntagger {mallory}\ndata 1\nx\n"
    git(folder, "fast-import", "--quiet", stdin=made)
    git(folder, "tag", "m#dev#1")
    return folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--version=v1.0.0", "--allowed-taggers=*@example.com"], ""),
        (["--version=v1.0.0", "--allowed-taggers=bob@example.com"], "by ada@example.com, who is"),
        (["--stage=prod", "--allowed-taggers=ada@*, bob@*"], "tag m#prod#1 was made by mallory@"),
        (["--stage=prod", "--allowed-taggers=ada@*\n*@example.net"], ""),
        (["--version=v1.0.0", "--max-age=30d"], "tag m@v1.0.0 is"),
        (["--max-age=30d"], "tag m@v1.0.0 is"),
        (["--stage=prod", "--max-age=30d"], ""),
    ],
)
def test_tags(program: Program, tagged: Path, options: list[str], said: str) -> None:
    ran = run(program, tagged, *options)

    assert ran.code == (17 if said else 0), ran.said
    assert said in ran.said
    assert bool(program.files()) is not bool(said)


def test_a_lightweight_tag_is_nobodys(program: Program, tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", FILES, "m@v1.0.0")
    committed(folder, {})
    git(folder, "tag", "m@v2.0.0")

    ran = run(program, folder, "--version=v2.0.0", "--allowed-taggers=*")

    assert ran.code != 0
    assert program.files() == {}


# The policy file of the default branch

LARGE = b"rules:\n- {name: small models, max-size: 10}\n"
SMALL = b"rules:\n- {name: tiny models, max-size: 4}\n"
POLICY = ".studio-action.yml"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    folder = tmp_path_factory.mktemp("served")
    with git_server(folder) as running:
        yield running


class Repositories:
    """A checkout of which a server has a copy: what is pushed there is the repository."""

    def __init__(self, folder: Path, server: GitServer) -> None:
        self.made = made_at(folder / "made", FILES, "m@v1.0.0")
        self.name = f"{uuid.uuid4().hex}.git"
        self.server = server
        git(folder, "clone", "--quiet", "--bare", str(self.made), str(server.folder / self.name))
        git(self.served, "config", "uploadpack.allowFilter", "true")
        git(self.made, "remote", "add", "origin", str(self.served))
        self.to_origin()

    @property
    def served(self) -> Path:
        return self.server.folder / self.name

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.name}"

    def commit(self, files: dict[str, bytes], *tags: str, push: bool = True) -> str:
        made = committed(self.made, files, *tags)
        if push:
            self.push("main")
        return made

    def push(self, branch: str) -> None:
        git(self.made, "push", "--quiet", "--tags", str(self.served), f"HEAD:{branch}")

    def to_origin(self) -> None:
        """The checkout says that it came over HTTP."""
        git(self.made, "remote", "set-url", "origin", self.url)


@pytest.fixture
def places(tmp_path: Path, server: GitServer) -> Repositories:
    return Repositories(tmp_path, server)


@pytest.fixture(params=["address", "checkout"])
def named(request: pytest.FixtureRequest) -> str:
    """How the repository is named."""
    return str(request.param)


def where(places: Repositories, named: str) -> str:
    return places.url if named == "address" else str(places.made)


def test_policy_file__counts_from_the_default_branch(
    program: Program, places: Repositories, named: str
) -> None:
    commit = places.commit({POLICY: SMALL})

    ran = run(program, where(places, named))

    assert ran.code == 17, ran.said
    assert f"(rule 'tiny models' of .studio-action.yml at {commit[:7]})" in ran.said
    assert program.files() == {}


def test_policy_file__is_told(program: Program, places: Repositories) -> None:
    commit = places.commit({POLICY: LARGE})

    ran = run(program, places.url)

    assert ran.code == 0, ran.said
    assert f"Policy .studio-action.yml at {commit[:7]}: small models" in ran.said
    manifest = json.loads(Path(ran.outputs["manifest"]).read_text())
    assert manifest["policy"] == [
        {"file": POLICY, "revision": commit, "rules": ["small models"]},
    ]


def test_policy_file__rules_about_something_else(program: Program, places: Repositories) -> None:
    places.commit({POLICY: b"rules:\n- {models: other, max-size: 1}\n"})

    ran = run(program, places.url)

    assert ran.code == 0, ran.said
    assert "No rule of policy .studio-action.yml at" in ran.said


def test_policy_file__of_a_pull_request_does_not_count(
    program: Program, places: Repositories, named: str
) -> None:
    """Neither what is checked out nor another branch loosens the policy."""
    places.commit({POLICY: SMALL})
    git(places.made, "switch", "--quiet", "-c", "loosened")
    places.commit({POLICY: b"rules: []\n"}, push=False)
    places.push("loosened")

    ran = run(program, where(places, named))

    assert ran.code == 17, ran.said


def test_policy_file__of_the_deployed_commit_does_not_count(
    program: Program, places: Repositories, named: str
) -> None:
    places.commit({POLICY: b"rules: []\n"}, "m@v2.0.0")
    places.commit({POLICY: SMALL})

    ran = run(program, where(places, named), "--version=v2.0.0")

    assert ran.code == 17, ran.said


def test_policy_file__where_the_origin_is_gone(program: Program, places: Repositories) -> None:
    """What `origin` had last counts, where that was noted; what is checked out never does."""
    places.commit({POLICY: SMALL})
    git(places.made, "fetch", "--quiet", str(places.served), "main:refs/remotes/origin/main")
    git(places.made, "remote", "set-url", "origin", "http://127.0.0.1:1/gone.git")
    places.commit({POLICY: b"rules: []\n"}, push=False)

    unknown = run(program, str(places.made), "--retries=0")
    git(places.made, "remote", "set-head", "origin", "main")
    noted = run(program, str(places.made))

    assert (unknown.code, noted.code) == (17, 17), unknown.said + noted.said
    assert "the policy of the repository is not known: " in unknown.said
    assert "git remote set-head origin --auto" in unknown.said
    assert "as the checkout has it" in noted.said
    assert "tiny models" in noted.said


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_policy_file__where_the_origin_is_a_folder(
    program: Program, places: Repositories, scheme: str
) -> None:
    places.commit({POLICY: SMALL})
    git(places.made, "remote", "set-url", "origin", f"{scheme}{places.served}")
    places.commit({POLICY: b"rules: []\n"}, push=False)

    ran = run(program, str(places.made))

    assert ran.code == 17, ran.said
    assert "tiny models" in ran.said


def test_policy_file__of_a_folder_without_origin(program: Program, tmp_path: Path) -> None:
    folder = made_at(tmp_path / "made", {**FILES, POLICY: SMALL}, "m@v1.0.0")

    assert run(program, str(folder)).code == 17


def test_policy_file__an_input_adds_one_and_loosens_nothing(
    program: Program, places: Repositories
) -> None:
    places.commit({POLICY: SMALL})
    (program.workspace / "none.yml").write_text("rules: []\n")
    (program.workspace / "more.yml").write_text("rules:\n- {branch: none}\n")

    loosened = run(program, places.url, "--policy-file=none.yml")
    places.commit({POLICY: LARGE})
    tightened = run(program, places.url, "--policy-file=more.yml")

    assert "rule 'tiny models'" in loosened.said
    assert "has no branch 'none' (rule 'rule 1' of more.yml)" in tightened.said
    assert (loosened.code, tightened.code) == (17, 17)


def test_policy_file__of_each_kind_of_requirement(program: Program, places: Repositories) -> None:
    rule = b"rules:\n- {branch: main, labels: approved, allowed-taggers: ada@*, max-age: 10d}\n"
    places.commit({POLICY: rule})

    ran = run(program, places.url)
    assert "lacks the labels approved in dvc.yaml" in ran.said or "old, dated" in ran.said
    assert ran.code == 17


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ([], "v1.0.0"),
        (["--prerelease=only"], ""),
        (["--version=v2.0.0-rc.1"], ""),
        (["--version=>=1"], "v1.0.0"),
    ],
)
def test_policy_file__without_pre_releases(
    program: Program, places: Repositories, options: list[str], version: str
) -> None:
    places.commit({POLICY: b"rules:\n- {prerelease: exclude}\n"}, "m@v2.0.0-rc.1")

    ran = run(program, places.url, *options)

    assert (ran.code, ran.outputs.get("version", "")) == (0 if version else 17, version), ran.said


def test_policy_file__digests_are_checked_whatever_verify_says(
    program: Program, places: Repositories
) -> None:
    places.commit({POLICY: b"rules:\n- {require-digests: true}\n"})

    off, checked = run(program, places.url, "--verify=off"), run(program, places.url)

    assert (off.code, checked.code) == (17, 0), off.said + checked.said
    assert "the policy requires that digests are checked" in off.said


def test_policy_file__what_resolving_does_not_verify(
    program: Program, places: Repositories
) -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"
    rule = {"signature": {"method": "key", "public-key": pem}}
    places.commit({POLICY: json.dumps({"rules": [rule]}).encode()})

    ran = run(program, places.url, command="resolve-model")

    assert ran.code == 0, ran.said
    assert "which resolve-model does not verify" in ran.said


def test_policy_file__a_way_back(program: Program, places: Repositories) -> None:
    """What the policy refuses, `rollback: allow` does not permit, nor leaving the manifest out."""
    places.commit({POLICY: b"rules:\n- {rollback: refuse}\n", "m.bin": b"2"}, "m@v2.0.0")

    without = run(program, places.url)
    first = run(program, places.url, "--not-older-than=last.json")
    (program.workspace / "last.json").write_text(Path(first.outputs["manifest"]).read_text())
    options = ("--not-older-than=last.json", "--rollback=allow")
    back = run(program, places.url, "--version=v1.0.0", *options)

    assert (without.code, first.code, back.code) == (17, 0, 17), without.said + first.said
    assert "Set not-older-than" in without.said
    assert "v1.0.0, which is older than v2.0.0" in back.said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rules:\n- {brnch: main}\n", "line 2, column 4: unknown key 'brnch'. Did you mean 'br"),
        (b"a: &a [" + b"x," * 9 + b"]\nb: [*a, *b]\n", "is not YAML"),
        (b"#" * (10 << 20), "has more than 65,536 bytes"),
        (b"", "is empty"),
    ],
    ids=["a key that is none", "hostile YAML", "10 MB", "empty"],
)
def test_policy_file__that_is_none(
    program: Program, places: Repositories, content: bytes, said: str
) -> None:
    places.commit({POLICY: content})

    ran = run(program, places.url)

    assert ran.code == 10, ran.said
    assert said in ran.said
    assert program.files() == {}


@pytest.mark.parametrize(("content", "code"), [(SMALL, 0), (b"rules: [{brnch: a}]", 12)])
def test_policy_file__the_doctor_tells(
    program: Program, places: Repositories, content: bytes, code: int
) -> None:
    places.commit({POLICY: content})

    found = cli.run(["doctor", places.url], dict(os.environ))

    said = program.capfd.readouterr().out
    assert found == code, said
    assert ("for any version: tiny models" if code == 0 else "unknown key 'brnch'") in said


def test_policy_file__a_link(program: Program, places: Repositories) -> None:
    (places.made / POLICY).symlink_to("elsewhere.yml")
    places.commit({"elsewhere.yml": b"rules: []\n"})

    ran = run(program, places.url)

    assert ran.code == 10, ran.said
    assert "not a regular file" in ran.said


def test_policy_file__misspelt(program: Program, places: Repositories) -> None:
    places.commit({".studio-action.yaml": SMALL})

    ran = run(program, places.url)

    assert ran.code == 10, ran.said
    assert "Rename it to .studio-action.yml" in ran.said


# Beside Studio


@pytest.fixture(scope="module")
def studio_repository(tmp_path_factory: pytest.TempPathFactory, server: GitServer) -> str:
    """The address of the repository that Studio knows, whose default branch has a policy."""
    served = server.folder / f"{REPOSITORY}.git"
    served.parent.mkdir(parents=True)
    sample_at(served)
    made = tmp_path_factory.mktemp("studio") / "made"
    git(Path.cwd(), "clone", "--quiet", str(served), str(made))
    rule = b"{name: prod, stages: prod, labels: [approved]}"
    committed(made, {POLICY: b"rules:\n- " + rule + b"\n"})
    git(made, "push", "--quiet", "origin", "HEAD")
    return f"{server.url}/{REPOSITORY}.git"


def from_studio(program: Program, repository: str, *options: str) -> Ran:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    asked = ("--model=text-classifier", f"--repo={repository}", *options)
    return program.run("download-model", *asked, **environ)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stage=prod"], "lacks the labels approved in dvc.yaml at"),
        (["--version=v1.0.0"], ""),
        (["--version=v1.0.0", "--allowed-taggers=ada@*", "--require-ancestor-of=main"], ""),
        (["--version=v1.0.0", "--allowed-taggers=bob@*"], "was made by ada@example.com"),
        (["--version=v1.0.0", "--max-age=1m"], "old, dated"),
    ],
)
def test_studio(program: Program, studio_repository: str, options: list[str], said: str) -> None:
    ran = from_studio(program, studio_repository, *options)

    assert ran.code == (17 if said else 0), ran.said
    assert said in ran.said
    assert bool(program.files()) is not bool(said)


def test_studio__without_the_repository(program: Program) -> None:
    """Without it nothing is known of its policy, which is told; where inputs require, refused."""
    gone = f"http://127.0.0.1:1/{REPOSITORY}.git"

    nothing_asked = from_studio(program, gone, "--version=v1.0.0")
    asked = from_studio(program, gone, "--version=v1.0.0", "--retries=0", "--max-age=30d")

    assert (nothing_asked.code, asked.code) == (0, 17), nothing_asked.said + asked.said
    assert "(.studio-action.yml), if any, is not applied" in nothing_asked.said
    assert "the policy of the repository cannot be read" in asked.said


@pytest.mark.parametrize("command", ["download-model", "resolve-model"])
@pytest.mark.parametrize(
    ("model", "version"), [("text-classifier", "v1.0.0"), ("dir-model", "v0.2.0")]
)
def test_studio__sizes_that_nobody_told(
    program: Program, studio_repository: str, command: str, model: str, version: str
) -> None:
    options = (f"--model={model}", f"--repo={studio_repository}", f"--version={version}")
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    found = sample.expected()["models"][model]["versions"][version]
    size = sum(file["size"] for file in found["files"])

    def run_with(most: int) -> Ran:
        (program.workspace / "p.yml").write_text(f"rules: [{{max-size: {most}}}]")
        return program.run(command, *options, "--policy-file=p.yml", **environ)

    refused, allowed = run_with(size - 1), run_with(size)

    assert (refused.code, allowed.code) == (17, 0), refused.said + allowed.said
    assert f"no more than {size - 1:,} are allowed" in refused.said
