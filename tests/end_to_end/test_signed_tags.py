"""Who said that it is this version: tags that must be signed, with both sources."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Program, Ran
from tests.gitrepo.repositories import committed, git, made_at, sample_at
from tests.gitrepo.signatures.gitsigning import ACCOUNTS, ADA, GitsignTag
from tests.gitrepo.signatures.signing import (
    SshKey,
    needs_ssh,
    signed_tag,
    stored_tag,
    tag_payload,
)
from tests.reference import REPOSITORY
from tests.servers.git import GitServer, git_server
from tests.signature.sigstore_instance import Sigstore

pytestmark = needs_ssh
FILES = {"dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n", "m.bin": b"model"}
LATER = "2026-11-23T12:00:00+00:00"


class Signed:
    """A repository, and the keys of two who sign."""

    def __init__(self, folder: Path) -> None:
        self.ada, self.mallory = SshKey.make(folder / "ada"), SshKey.make(folder / "mallory")
        self.allowed = f"ada@example.com {self.ada.public}"
        self.repository = made_at(folder / "made", FILES)
        self.tag("m@v1.0.0", self.ada)
        self.tag("m#prod#1", self.ada)
        self.tag("m#dev#1", self.mallory)
        self.commit = committed(self.repository, {"m.bin": b"another"})
        self.tag("m@v2.0.0", self.mallory)
        self.tag("m#canary#1", self.ada)
        committed(self.repository, {"m.bin": b"a third"})
        self.tag("m#trial#1", self.ada)

    def tag(self, name: str, key: SshKey) -> None:
        signed_tag(self.repository, name, key.options)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return Signed(tmp_path_factory.mktemp("signed"))


def run(program: Program, repository: str, *options: str, **environ: str) -> Ran:
    kind = () if any("gitsign" in each for each in options) else ("--require-signed-tag=ssh",)
    asked = (*kind, f"--repo={repository}", *options)
    known = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    return program.run("download-model", *asked, **known, **environ)


def from_git(program: Program, signed: Signed, *options: str) -> Ran:
    (program.workspace / "signers").write_text(signed.allowed)
    asked = ("--model=m", "--allowed-signers=signers", "--dest=out", *options)
    without = {"DVC_STUDIO_URL": "", "DVC_STUDIO_TOKEN": ""}
    return run(program, str(signed.repository), *asked, **without)


@pytest.mark.parametrize(
    ("option", "signer"),
    [("--stage=prod", "ada@example.com"), ("--stage=dev", ""), ("--version=v2.0.0", "")],
)
def test_git__a_policy_requires_it(
    program: Program, signed: Signed, option: str, signer: str
) -> None:
    rule = {"name": "signed", "signed-tag": {"kind": "ssh", "signers": signed.allowed}}
    (program.workspace / "policy.yml").write_text(json.dumps({"rules": [rule]}))
    asked = (f"--repo={signed.repository}", "--model=m", "--policy-file=policy.yml", option)
    known = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    none = {"DVC_STUDIO_URL": "", "DVC_STUDIO_TOKEN": ""}

    ran = program.run("download-model", *asked, **known, **none)

    assert ran.code == (0 if signer else 17), ran.said
    if signer:
        record = json.loads((program.workspace / ran.outputs["manifest"]).read_text())
        assert [each["signer"] for each in record["signed_tags"]] == [signer, signer]
    else:
        assert "(rule 'signed' of policy.yml)" in ran.said


@pytest.mark.parametrize(
    ("option", "tags"),
    [
        ("--version=v1.0.0", ["m@v1.0.0"]),
        ("--stage=prod", ["m@v1.0.0", "m#prod#1"]),
        ("--stage=trial", ["m#trial#1"]),
    ],
)
def test_git(program: Program, signed: Signed, option: str, tags: list[str]) -> None:
    ran = from_git(program, signed, option)

    assert ran.code == 0, ran.said
    record = json.loads((program.workspace / ran.outputs["manifest"]).read_text())
    told = {"kind": "ssh", "signer": "ada@example.com", "key": signed.ada.fingerprint}
    assert record["signed_tags"] == [{"tag": tag, **told} for tag in tags]
    for tag in tags:
        assert f"Tag {tag} is signed by ada@example.com ({signed.ada.fingerprint})" in ran.said


@pytest.mark.parametrize(
    ("option", "tag"),
    [
        ("--version=v2.0.0", "m@v2.0.0"),
        ("--version=^2", "m@v2.0.0"),
        ("--prerelease=exclude", "m@v2.0.0"),
        ("--stage=dev", "m#dev#1"),
        ("--stage=canary", "m@v2.0.0"),
    ],
    ids=["version", "range", "latest", "only the assignment", "only the registration"],
)
def test_git__signed_by_somebody_else(
    program: Program, signed: Signed, option: str, tag: str
) -> None:
    ran = from_git(program, signed, option)

    assert ran.code == 17, ran.said
    assert f"tag {tag} is signed by key {signed.mallory.fingerprint}, which" in ran.said
    assert not (program.workspace / "out").exists()


def test_git__nothing_of_the_commit_is_read_before(program: Program, signed: Signed) -> None:
    """The commit of an unsigned tag has no say in where files are looked for."""
    committed(signed.repository, {"dvc.yaml": b"[no model at all"})
    git(signed.repository, "tag", "-a", "m@v9.0.0-broken", "-m", "unsigned")

    ran = from_git(program, signed, "--version=v9.0.0-broken")

    assert (ran.code, "tag m@v9.0.0-broken is not signed" in ran.said) == (17, True), ran.said


@pytest.mark.parametrize(("trusted", "code"), [(True, 0), (False, 17)])
def test_git__signed_with_gitsign(
    program: Program, tmp_path: Path, trusted: bool, code: int
) -> None:
    sigstore = Sigstore()
    made = made_at(tmp_path / "made", FILES)
    payload = tag_payload(git(made, "rev-parse", "HEAD"), "m@v1.0.0")
    stored_tag(made, "m@v1.0.0", GitsignTag(sigstore, payload).signed())
    trust = (sigstore if trusted else Sigstore()).trusted_root()

    ran = run(
        *(program, str(made), "--model=m", "--require-signed-tag=gitsign"),
        *(f"--allowed-signers={ADA} {ACCOUNTS}", f"--signature-trust-config={trust}"),
        DVC_STUDIO_URL="",
        DVC_STUDIO_TOKEN="",
    )

    assert ran.code == code, ran.said
    assert (f"Tag m@v1.0.0 is signed by {ADA} ({ACCOUNTS})" in ran.said) is trusted
    assert bool(program.files()) is trusted


MODEL = "text-classifier"


@pytest.fixture(scope="module")
def studio_s(signed: Signed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample repository as a server has it; Ada signed its version v1.0.0 and the stage."""
    folder = tmp_path_factory.mktemp("served")
    (folder / REPOSITORY).parent.mkdir(parents=True)
    repository = sample_at(folder / f"{REPOSITORY}.git")
    commit = git(repository, "rev-parse", f"refs/tags/{MODEL}@v1.0.0^{{commit}}")
    for name in (f"{MODEL}@v1.0.0#9", f"{MODEL}#prod#99"):
        signed_tag(repository, name, signed.ada.options, at=commit, date=LATER)
    return folder


@pytest.fixture
def server(studio_s: Path) -> Iterator[GitServer]:
    with git_server(studio_s) as running:
        yield running


def from_studio(program: Program, server: GitServer, signed: Signed, *options: str) -> Ran:
    asked = (f"--allowed-signers={signed.allowed}", *options)
    return run(program, f"{server.url}/{REPOSITORY}.git", *asked)


def test_studio(program: Program, server: GitServer, signed: Signed) -> None:
    ran = from_studio(program, server, signed, f"--model={MODEL}", "--stage=prod")

    assert (ran.code, ran.outputs.get("version")) == (0, "v1.0.0"), ran.said
    assert f"Tag {MODEL}#prod#99 is signed by ada@example.com" in ran.said
    assert f"Tag {MODEL}@v1.0.0#9 is signed by ada@example.com" in ran.said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([f"--model={MODEL}", "--version=v2.0.0"], f"tag {MODEL}@v2.0.0 is not signed"),
        (["--model=none"], "do not name the model none, so nobody is known"),
    ],
)
def test_studio__refused(
    program: Program, server: GitServer, signed: Signed, options: list[str], said: str
) -> None:
    ran = from_studio(program, server, signed, *options, "--if-not-found=ignore")

    assert (ran.code, said in ran.said) == (17, True), ran.said
    assert program.server.requests == []
    assert program.files() == {}


def test_studio__tags_that_cannot_be_read(
    program: Program, server: GitServer, signed: Signed
) -> None:
    server.password = "correct-horse-battery"

    ran = from_studio(program, server, signed, f"--model={MODEL}", "--stage=prod")

    assert (ran.code, "so nobody is known to have signed them" in ran.said) == (17, True), ran.said
    assert program.files() == {}
