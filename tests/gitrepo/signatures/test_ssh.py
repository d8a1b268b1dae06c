from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_action.errors import BadInput, PolicyRefused
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.gitrepo.signatures.verifier import TagVerifier
from studio_action.model.signed_tag import SignedTag
from tests.gitrepo.repositories import committed, git, made_at, make_git
from tests.gitrepo.signatures.signing import (
    Judge,
    SshKey,
    needs_ssh,
    signed_tag,
    stored_tag,
    tag_payload,
)

pytestmark = needs_ssh
TAG = "churn@v1.0.0"


class Team:
    """A checkout, and keys: Ada's is allowed, Mallory's is not."""

    def __init__(self, folder: Path) -> None:
        self.checkout = made_at(folder / "checkout", {"model": b"weights"})
        self.first = git(self.checkout, "rev-parse", "HEAD")
        self.second = committed(self.checkout, {"model": b"other weights"})
        self.ada, self.mallory = SshKey.make(folder / "ada"), SshKey.make(folder / "mallory")
        signed_tag(self.checkout, TAG, self.ada.options, at=self.first)
        self.tag = self.content(TAG)

    def content(self, name: str) -> bytes:
        with Repository.open(self.checkout, make_git()) as repository:
            return repository.tag_object(git(self.checkout, "rev-parse", f"refs/tags/{name}"))

    def allowed(self, options: str = 'namespaces="git"') -> bytes:
        return f"# who may\nada@example.com {options} {self.ada.public}\n".encode()

    def put(self, payload: bytes, signature: bytes | None = None, name: str = TAG) -> None:
        stored_tag(self.checkout, name, payload + (signature or self.ada.sign(payload)))


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    return Team(tmp_path_factory.mktemp("team"))


@pytest.fixture(scope="module")
def judge(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge.make(team.checkout, "ssh", team.allowed(), tmp_path_factory.mktemp("judge"))


def test_verify(team: Team, judge: Judge) -> None:
    found = judge.verify(TAG)

    assert found == SignedTag(TAG, "ssh", "ada@example.com", team.ada.fingerprint)


def unsigned(team: Team, name: str) -> None:
    git(team.checkout, "tag", "-a", name, "-m", "no signature")


def by_another(team: Team, name: str) -> None:
    signed_tag(team.checkout, name, team.mallory.options)


def renamed(team: Team, name: str) -> None:
    stored_tag(team.checkout, name, team.tag)


def payload_changed(team: Team, name: str) -> None:
    payload, signature = split(team.tag)
    team.put(payload.replace(TAG.encode(), name.encode()), signature, name)


def pointed_elsewhere(team: Team, name: str) -> None:
    signed = tag_payload(team.first, name)
    team.put(tag_payload(team.second, name), team.ada.sign(signed), name)


def of_a_tag(team: Team, name: str) -> None:
    inner = stored_tag(team.checkout, "inner", tag_payload(team.first, "inner"))
    team.put(tag_payload(inner, name, "tag"), name=name)


def of_another_purpose(team: Team, name: str) -> None:
    payload = tag_payload(team.first, name)
    team.put(payload, team.ada.sign(payload, "file"), name)


def two_signatures(team: Team, name: str) -> None:
    payload = tag_payload(team.first, name)
    twice = payload + team.mallory.sign(payload)
    team.put(twice, team.ada.sign(twice), name)


def something_after_it(team: Team, name: str) -> None:
    payload = tag_payload(team.first, name)
    team.put(payload, team.ada.sign(payload) + b"and more\n", name)


def one_more_header(team: Team, name: str) -> None:
    payload = tag_payload(team.first, name)
    signature = team.ada.sign(payload)
    head, body = payload.split(b"\n\n", 1)
    team.put(head + b"\ngpgsig-sha256 nobody signed this\n\n" + body, signature, name)


def no_tagger(team: Team, name: str) -> None:
    lines = tag_payload(team.first, name).split(b"\n")
    team.put(b"\n".join(lines[:3] + lines[4:]), name=name)


def of_openpgp(team: Team, name: str) -> None:
    block = b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
    team.put(tag_payload(team.first, name), block, name)


ATTACKS: dict[str, tuple[Callable[[Team, str], None], str]] = {
    "not signed": (unsigned, "is not signed"),
    "signed by somebody else": (by_another, r"by key SHA256:\S+, which allowed-signers does not"),
    "a tag with another name": (renamed, f"was made as tag {TAG}, and renamed"),
    "a signature of another tag": (payload_changed, "does not match the tag"),
    "another commit than was signed": (pointed_elsewhere, "does not match the tag"),
    "a tag of a tag": (of_a_tag, "is a tag of a tag, not of a commit"),
    "a signature for files": (of_another_purpose, "does not match the tag"),
    "two signatures": (two_signatures, "has more than one signature"),
    "something after the signature": (something_after_it, "or something after it"),
    "a header that git does not have signed": (one_more_header, "has other headers"),
    "no tagger": (no_tagger, "has other headers"),
    "another kind of signature": (of_openpgp, "has a signature of OpenPGP, where one of OpenSSH"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_verify__refused(attack: str, team: Team, judge: Judge) -> None:
    make, reason = ATTACKS[attack]
    name = f"churn@v2.0.0-{list(ATTACKS).index(attack)}"
    make(team, name)

    with pytest.raises(PolicyRefused, match=reason) as refused:
        judge.verify(name)
    assert refused.value.message.startswith(f"tag {name} ")
    assert "signed tag" in refused.value.hint


def test_verify__a_reference_that_leads_to_another_commit_than_its_tag(
    team: Team, judge: Judge
) -> None:
    with pytest.raises(PolicyRefused, match=f"is for commit {team.first[:7]}, not for"):
        judge.verify_content(TAG, team.tag, team.second)


def test_verify__the_object_is_the_one_that_decided(team: Team, tmp_path: Path) -> None:
    """What is read by its name has to have that name, whatever lies there meanwhile."""
    with Repository.open(team.checkout, make_git()) as repository:
        (tag,) = (each for each in repository.tags() if each.name == TAG)
    other = tag_payload(team.first, TAG)

    with pytest.raises(PolicyRefused, match="is not the object that its name says"):
        Judge.make(team.checkout, "ssh", team.allowed(), tmp_path / "judge").verifier.verify(
            tag, lambda _: other + team.ada.sign(other)
        )


@pytest.mark.parametrize(
    "options",
    ['namespaces="file"', 'valid-before="20260201"', 'valid-after="20260401"'],
    ids=["for something else", "expired", "not valid yet"],
)
def test_verify__not_allowed_for_this(options: str, team: Team, tmp_path: Path) -> None:
    judge = Judge.make(team.checkout, "ssh", team.allowed(options), tmp_path / "judge")

    with pytest.raises(PolicyRefused, match="not for Git's tags"):
        judge.verify(TAG)


def test_verify__valid_at_the_tag_s_date(team: Team, tmp_path: Path) -> None:
    options = 'valid-after="20260201",valid-before="20260401"'
    judge = Judge.make(team.checkout, "ssh", team.allowed(options), tmp_path / "judge")

    assert judge.verify(TAG).signer == "ada@example.com"


def test_verify__neither_the_repository_s_settings_nor_the_user_s_count(
    team: Team, tmp_path: Path
) -> None:
    checkout = made_at(tmp_path / "checkout", {"model": b"weights"})
    signed_tag(checkout, TAG, team.mallory.options)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"mallory@example.com {team.mallory.public}\n")
    git(checkout, "config", "gpg.ssh.allowedSignersFile", str(allowed))
    git(checkout, "config", "gpg.ssh.program", "true")
    (tmp_path / ".gitconfig").write_text(f"[gpg.ssh]\nallowedSignersFile = {allowed}\n")
    judge = Judge.make(checkout, "ssh", team.allowed(), tmp_path / "judge")

    with pytest.raises(PolicyRefused, match="which allowed-signers does not have"):
        judge.verify(TAG)


def test_verify__a_repository_of_sha256(team: Team, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet", "--object-format=sha256")
    committed(checkout, {"model": b"weights"})
    signed_tag(checkout, TAG, team.ada.options)

    assert Judge.make(checkout, "ssh", team.allowed(), tmp_path / "judge").verify(TAG)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_verify__no_byte_of_the_object_can_be_another(
    data: st.DataObject, team: Team, judge: Judge
) -> None:
    at = data.draw(st.integers(0, len(team.tag) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda it: it != team.tag[at]))
    kept = data.draw(st.sampled_from([0, 1]))  # 1: the byte is inserted
    changed = team.tag[:at] + bytes([byte]) + team.tag[at + 1 - kept :]

    with pytest.raises(PolicyRefused):
        judge.verify_content(TAG, changed, team.first)


@pytest.mark.parametrize(
    ("signers", "fault"),
    [
        (b"# nobody\n", "names nobody"),
        (b"ada@example.com\n", "a line that names no key"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\n", "a line that names no key"),
    ],
)
def test_verifier__signers_that_are_none(signers: bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=fault):
        Judge.make(tmp_path, "ssh", signers, tmp_path / "judge")


def test_verifier__no_ssh_keygen(team: Team, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for folder in os.environ["PATH"].split(":"):
        if Path(folder, "git").exists():
            (tmp_path / "bin/git").symlink_to(Path(folder, "git"))
            break

    program = make_git(PATH=str(tmp_path / "bin"))
    with pytest.raises(BadInput, match="the program ssh-keygen is not installed"):
        TagVerifier.open(TagSignature("ssh", team.allowed()), program, tmp_path / "judge")


@pytest.mark.parametrize(("version", "fits"), [("2.33.8", False), ("2.34.1", True)])
def test_verifier__the_version_of_git(version: str, fits: bool, team: Team, tmp_path: Path) -> None:
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho git version {version}\n")
    fake.chmod(0o755)

    program = make_git(PATH=f"{fake.parent}:{os.environ['PATH']}")
    required = TagSignature("ssh", team.allowed())
    if fits:
        TagVerifier.open(required, program, tmp_path / "judge")
    else:
        with pytest.raises(BadInput, match="knows no signatures of OpenSSH"):
            TagVerifier.open(required, program, tmp_path / "judge")


def split(content: bytes) -> tuple[bytes, bytes]:
    at = content.index(b"-----BEGIN")
    return content[:at], content[at:]
