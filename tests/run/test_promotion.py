"""A stage is given to a version by the real program, in a real checkout with a real remote."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_action import cli
from tests.gitrepo.repositories import committed, git, made_at


@dataclass(frozen=True, slots=True)
class Desk:
    """A person with a checkout, whose remote is a bare repository."""

    folder: Path
    remote: Path
    home: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *words: str, repo: Path | None = None) -> tuple[int, dict[str, Any], str]:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        code = cli.run([*words, f"--repo={repo or self.folder}"], environ)
        written = self.capture.readouterr()
        return code, json.loads(written.out) if written.out else {}, written.err

    def promote(self, version: str, *more: str, stage: str = "prod") -> tuple[int, Any, str]:
        return self.run("promote", "--model=m", f"--version={version}", f"--stage={stage}", *more)

    def tags(self, repository: Path | None = None) -> set[str]:
        return set(git(repository or self.folder, "tag", "--list").split())


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Version 1 is in prod, version 2 waits."""
    folder = made_at(tmp_path / "checkout", {"m": b"1"}, "m@v1.0.0", "m#prod#1")
    committed(folder, {"m": b"2"}, "m@v2.0.0")
    return _desk(folder, tmp_path, capsys)


def _desk(folder: Path, tmp_path: Path, capture: pytest.CaptureFixture[str]) -> Desk:
    remote, home = tmp_path / "remote.git", tmp_path / "home"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "push", "--quiet", "--tags", "origin", "main")
    git(folder, "remote", "set-head", "origin", "main")
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = Grace\nemail = grace@example.com\n")
    return Desk(folder, remote, home, capture)


BEFORE = {"m@v1.0.0", "m#prod#1", "m@v2.0.0"}


def test_promote__an_annotated_tag_in_the_person_s_name(desk: Desk) -> None:
    code, outputs, said = desk.promote("v2.0.0")

    assert code == 0
    assert "m: stage prod, v1.0.0 -> v2.0.0" in said
    assert "Not pushed yet: git push origin refs/tags/m#prod#2" in said
    assert (outputs["tag"], outputs["made"], outputs["pushed"]) == ("m#prod#2", True, False)
    assert desk.tags() == {*BEFORE, "m#prod#2"}
    assert desk.tags(desk.remote) == BEFORE
    fields = "%(objecttype) %(*objectname) %(taggername) %(taggeremail) %(contents:subject)"
    (line,) = git(desk.folder, "tag", "--list", f"--format={fields}", "m#prod#2").splitlines()
    revision = git(desk.folder, "rev-parse", "HEAD")
    subject = "Assigning stage prod to artifact m version v2.0.0"
    assert line == f"tag {revision} Grace <grace@example.com> {subject}"
    git(desk.folder, "fsck", "--strict")


def test_dry_run__says_which_tag_and_makes_none(desk: Desk) -> None:
    code, outputs, said = desk.promote("v2.0.0", "--dry-run", "--push")

    assert (code, outputs["tag"], outputs["made"]) == (0, "m#prod#2", False)
    assert "Tag m#prod#2 at" in said
    assert desk.tags() == desk.tags(desk.remote) == BEFORE


def test_push__and_roll_back(desk: Desk) -> None:
    assert desk.promote("v2.0.0", "--push")[1]["pushed"] is True

    code, outputs, said = desk.run("rollback", "--model=m", "--stage=prod", "--push")

    assert code == 0
    assert (outputs["version"], outputs["previous-version"]) == ("v1.0.0", "v2.0.0")
    assert "(roll-back)" in said
    assert desk.tags() == desk.tags(desk.remote) == {*BEFORE, "m#prod#2", "m#prod#3"}


def test_counter__is_higher_than_those_of_the_remote(desk: Desk) -> None:
    git(desk.remote, "tag", "-a", "-m", "-", "m#dev#7", "m@v1.0.0^{}")

    assert desk.promote("v2.0.0", "--push")[1]["tag"] == "m#prod#8"
    assert desk.tags(desk.remote) == {*BEFORE, "m#dev#7", "m#prod#8"}


REFUSED = {
    "no such version": (["--version=v2.0.1"], 12, "version v2.0.1 not found for m. Did you mean"),
    "no such model": (["--model=n", "--version=v2.0.0"], 12, "model n not found"),
    "there already": (["--version=v1.0.0"], 10, "stage prod of m is v1.0.0 already"),
    "no version": (["--version=2"], 10, "is not a registered version's name"),
    "no remote": (["--version=v2.0.0", "--push", "--remote=up"], 10, "no remote 'up' to push to"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_promote__refused(desk: Desk, case: str) -> None:
    words, expected, message = REFUSED[case]
    model = [] if words[0].startswith("--model") else ["--model=m"]

    code, _, said = desk.run("promote", "--stage=prod", *model, *words)

    assert code == expected
    assert message in said
    assert desk.tags() == BEFORE


def test_rollback__to_nothing(desk: Desk) -> None:
    code, _, said = desk.run("rollback", "--model=m", "--stage=prod")

    assert code == 12
    assert "stage prod of m has no earlier version" in said


def test_promote__not_in_a_checkout(desk: Desk) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(desk.home)}
    words = ["promote", "--model=m", "--version=v2.0.0", "--stage=prod"]

    assert cli.run([*words, "--repo=https://127.0.0.1:1/acme/models"], environ) == 10
    assert "is not a checkout" in desk.capture.readouterr().err


def test_promote__without_an_identity(desk: Desk) -> None:
    (desk.home / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n")

    code, _, said = desk.promote("v2.0.0")

    assert code == 10
    assert "git cannot make the tag m#prod#2" in said
    assert "Set user.name and user.email" in said


def test_promote__somebody_was_faster(desk: Desk) -> None:
    hook = desk.remote / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho rejected by the race >&2\nexit 1\n")
    hook.chmod(0o755)

    code, _, said = desk.promote("v2.0.0", "--push")

    assert code == 13
    assert "stage prod is unchanged: the tag was not pushed" in said
    assert desk.tags() == BEFORE


def test_promote__runs_nothing_of_the_checkout(desk: Desk, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 >> {trace}\nexit 0\n")
    program.chmod(0o755)
    for name in ("pre-push", "reference-transaction", "post-update"):
        hook = desk.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes(program.read_bytes())
        hook.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "core.sshCommand",
        "gpg.program",
        "core.editor",
        "credential.helper",
        "remote.origin.receivepack",
        "remote.origin.uploadpack",
    ):
        git(desk.folder, "config", setting, str(program))

    assert desk.promote("v2.0.0", "--push")[0] == 0
    assert not trace.exists()


@pytest.mark.parametrize(
    ("rule", "version", "message"),
    [
        ("allowed-taggers: [ada@example.com]", "v2.0.0", "grace@example.com, who is not allowed"),
        ("prerelease: exclude", "v3.0.0-rc.1", "a pre-release"),
        ("minimum-version: v3.0.0", "v2.0.0", "older than the minimum-version v3.0.0"),
        ("branch: release", "v2.0.0", "has no branch 'release'"),
        ("rollback: refuse", "v0.9.0", "is a roll-back, which the policy refuses"),
    ],
    ids=["tagger", "pre-release", "minimum", "branch", "roll-back"],
)
def test_promote__the_policy_refuses(
    rule: str, version: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = f"rules:\n- stages: [prod]\n  {rule}\n".encode()
    folder = made_at(tmp_path / "checkout", {".studio-action.yml": policy}, "m@v0.9.0")
    committed(folder, {"m": b"1"}, "m@v1.0.0", "m#prod#1")
    committed(folder, {"m": b"2"}, "m@v2.0.0")
    committed(folder, {"m": b"3"}, "m@v3.0.0-rc.1")
    desk = _desk(folder, tmp_path, capsys)
    before = desk.tags()

    code, _, said = desk.promote(version)

    assert code == 17, said
    assert message in said
    assert "of .studio-action.yml" in said
    assert desk.tags() == before
    assert desk.promote(version, stage="dev")[0] == 0


def test_sign__with_the_person_s_key(desk: Desk, tmp_path: Path) -> None:
    key = tmp_path / "key"
    made = subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=False
    )
    if made.returncode or git(desk.folder, "version").split()[2] < "2.34":
        pytest.skip("ssh signatures need git 2.34")
    with (desk.home / ".gitconfig").open("a") as file:
        file.write(f"signingkey = {key}.pub\n[gpg]\nformat = ssh\n[tag]\ngpgSign = true\n")

    assert desk.promote("v2.0.0")[0] == 0
    assert "BEGIN SSH SIGNATURE" in git(desk.folder, "cat-file", "tag", "m#prod#2")
