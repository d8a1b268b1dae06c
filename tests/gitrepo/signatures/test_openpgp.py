from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio_action.errors import BadInput, PolicyRefused
from studio_action.gitrepo.git.repository import Repository
from studio_action.gitrepo.signatures import openpgp
from studio_action.gitrepo.signatures.tag_object import Unfit
from studio_action.model.signed_tag import SignedTag
from tests.gitrepo.repositories import committed, git, made_at, make_git
from tests.gitrepo.signatures.signing import (
    Gpg,
    Judge,
    SshKey,
    needs_gpg,
    signed_tag,
    stored_tag,
    tag_payload,
)

TAG = "churn@v1.0.0"


class Team:
    """A checkout, and keys: Ada's is allowed and Mallory's is not."""

    def __init__(self, folder: Path, gpg: Gpg) -> None:
        self.gpg, self.folder = gpg, folder
        self.checkout = made_at(folder / "checkout", {"model": b"weights"})
        self.first = git(self.checkout, "rev-parse", "HEAD")
        self.second = committed(self.checkout, {"model": b"other weights"})
        self.ada, self.mallory = (
            gpg.make_key("ada@example.com"),
            gpg.make_key("mallory@example.net"),
        )
        self.expired = gpg.make_key("late@example.com", expires="2026-02-01")
        gpg.tag(self.checkout, TAG, self.ada, at=self.first)
        with Repository.open(self.checkout, make_git()) as repository:
            self.content = repository.tag_object(
                git(self.checkout, "rev-parse", f"refs/tags/{TAG}")
            )
        self.keyring = gpg.export(self.ada, self.expired)

    def put(self, payload: bytes, signature: bytes, name: str) -> None:
        stored_tag(self.checkout, name, payload + signature)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with Gpg.running() as gpg:
        yield Team(tmp_path_factory.mktemp("team"), gpg)


@pytest.fixture(scope="module")
def judge(team: Team, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return Judge.make(team.checkout, "gpg", team.keyring, tmp_path_factory.mktemp("judge"))


@needs_gpg
def test_verify(team: Team, judge: Judge) -> None:
    assert judge.verify(TAG) == SignedTag(TAG, "gpg", "Ada <ada@example.com>", team.ada)


@needs_gpg
def test_verify__a_binary_keyring(team: Team, tmp_path: Path) -> None:
    binary = subprocess.run(
        ["gpg", "--dearmor"], input=team.keyring, check=True, capture_output=True
    ).stdout

    assert Judge.make(team.checkout, "gpg", binary, tmp_path / "judge").verify(TAG)


def unsigned(team: Team, name: str) -> None:
    git(team.checkout, "tag", "-a", name, "-m", "no signature")


def by_another(team: Team, name: str) -> None:
    team.gpg.tag(team.checkout, name, team.mallory)


def by_an_expired_key(team: Team, name: str) -> None:
    team.gpg.tag(team.checkout, name, team.expired, time="20260115T000000")


def renamed(team: Team, name: str) -> None:
    stored_tag(team.checkout, name, team.content)


def pointed_elsewhere(team: Team, name: str) -> None:
    signature = team.gpg.sign(tag_payload(team.first, name), team.ada)
    team.put(tag_payload(team.second, name), signature, name)


def of_a_tag(team: Team, name: str) -> None:
    inner = stored_tag(team.checkout, "inner", tag_payload(team.first, "inner"))
    payload = tag_payload(inner, name, "tag")
    team.put(payload, team.gpg.sign(payload, team.ada), name)


def two_signatures(team: Team, name: str) -> None:
    """One block with the signatures of both, which Git takes for one."""
    payload = tag_payload(team.first, name)
    words = ["gpg", "--batch", "--homedir", str(team.gpg.home), "-ab"]
    users = ["-u", f"{team.ada}!", "-u", f"{team.mallory}!"]
    both = subprocess.run([*words, *users], input=payload, check=True, capture_output=True).stdout
    team.put(payload, both, name)


def of_ssh(team: Team, name: str) -> None:
    signed_tag(team.checkout, name, SshKey.make(team.folder / "ssh").options)


ATTACKS: dict[str, tuple[Callable[[Team, str], None], str]] = {
    "not signed": (unsigned, "is not signed"),
    "signed by somebody else": (by_another, "which allowed-signers does not have"),
    "signed by an expired key": (
        by_an_expired_key,
        "is signed by key {expired}, which has expired",
    ),
    "a tag with another name": (renamed, f"was made as tag {TAG}, and renamed"),
    "another commit than was signed": (pointed_elsewhere, "does not match the tag"),
    "a tag of a tag": (of_a_tag, "is a tag of a tag, not of a commit"),
    "two signatures": (two_signatures, "has more than one signature"),
    "another kind of signature": (of_ssh, "has a signature of OpenSSH, where one of OpenPGP"),
}


@needs_gpg
@pytest.mark.parametrize("attack", ATTACKS)
def test_verify__refused(attack: str, team: Team, judge: Judge) -> None:
    make, reason = ATTACKS[attack]
    name = f"churn@v2.0.0-{list(ATTACKS).index(attack)}"
    make(team, name)

    with pytest.raises(PolicyRefused, match=reason.format(expired=team.expired)) as refused:
        judge.verify(name)
    assert refused.value.message.startswith(f"tag {name} ")


@needs_gpg
def test_verify__a_revoked_key(team: Team, tmp_path: Path) -> None:
    keyring = team.gpg.revoked(team.ada)
    judge = Judge.make(team.checkout, "gpg", keyring, tmp_path / "judge")

    with pytest.raises(PolicyRefused, match=f"by key {team.ada}, which is revoked"):
        judge.verify(TAG)


@needs_gpg
def test_verify__neither_the_users_keys_nor_an_agent(team: Team, tmp_path: Path) -> None:
    """The home of the user has Mallory's key; the repository names a program of its own."""
    by_another(team, "churn@v3.0.0")
    git(team.checkout, "config", "gpg.program", "true")
    home = tmp_path / "home"
    (home / ".gnupg").mkdir(mode=0o700, parents=True)
    Gpg(home / ".gnupg").run(
        "--no-autostart", "--import", stdin=team.gpg.export(team.mallory).decode()
    )
    judge = Judge.make(team.checkout, "gpg", team.keyring, tmp_path / "judge", HOME=str(home))

    with pytest.raises(PolicyRefused, match="which allowed-signers does not have"):
        judge.verify("churn@v3.0.0")
    assert not list(tmp_path.rglob("S.*")), "an agent was started"


@needs_gpg
def test_verify__a_signature_over_a_hash_of_sha1(team: Team, judge: Judge) -> None:
    payload = tag_payload(team.first, "churn@v4.0.0")
    signature = team.gpg.sign(payload, team.ada, "--digest-algo=SHA1", "--weak-digest=MD5")
    team.put(payload, signature, "churn@v4.0.0")

    with pytest.raises(PolicyRefused, match="in a way that gpg does not accept"):
        judge.verify("churn@v4.0.0")


@needs_gpg
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_verify__no_byte_that_is_signed_can_be_another(
    data: st.DataObject, team: Team, judge: Judge
) -> None:
    payload = team.content.index(b"-----BEGIN")
    at = data.draw(st.integers(0, payload - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda it: it != team.content[at]))
    changed = team.content[:at] + bytes([byte]) + team.content[at + 1 :]

    with pytest.raises(PolicyRefused):
        judge.verify_content(TAG, changed, team.first)


@needs_gpg
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_verify__another_byte_in_the_signature_makes_nobody_else_the_signer(
    data: st.DataObject, team: Team, judge: Judge
) -> None:
    """OpenPGP leaves parts of a signature unsigned; what they say cannot do harm."""
    at = data.draw(st.integers(team.content.index(b"-----BEGIN"), len(team.content) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = team.content[:at] + bytes([byte]) + team.content[at + 1 :]
    try:
        found = judge.verify_content(TAG, changed, team.first)
    except PolicyRefused:
        return
    assert found == judge.verify(TAG)


@needs_gpg
@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda gpg, key: b"no keyring", "is not a keyring"),
        (lambda gpg, key: b"", "is not a keyring"),
        (lambda gpg, key: gpg.run("--armor", "--export-secret-keys", key).encode(), "a secret key"),
    ],
    ids=["text", "nothing", "a secret key"],
)
def test_verifier__keyrings_that_are_none(
    make: Callable[[Gpg, str], bytes], fault: str, team: Team, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=fault) as refused:
        Judge.make(tmp_path, "gpg", make(team.gpg, team.ada), tmp_path / "judge")
    assert "PRIVATE" not in str(refused.value)


KEY = "2A732BFB958AC3E192BC60F5CD6DB182BF613D8D"
GOOD = [
    "NEWSIG ada@example.com",
    f"GOODSIG {KEY[-16:]} Ada <ada@example.com>",
    f"VALIDSIG {KEY} 2026-11-25 1795615212 0 4 0 22 8 00 {KEY}",
]


def said(*lines: str) -> str:
    return "".join(f"[GNUPG:] {line}\n" for line in lines)


def test_read_signer() -> None:
    assert openpgp.read_signer(said(*GOOD), good=True) == openpgp.Signer(
        "Ada <ada@example.com>", KEY
    )


@pytest.mark.parametrize(
    ("lines", "good", "fault"),
    [
        pytest.param(GOOD, False, "cannot check", id="git is not content"),
        pytest.param(GOOD[:2], True, "cannot check", id="no fingerprint"),
        pytest.param([GOOD[0], GOOD[2]], True, "cannot check", id="no word that it is good"),
        pytest.param([*GOOD, *GOOD], True, "more than one", id="twice"),
        pytest.param([*GOOD, f"REVKEYSIG {KEY[-16:]} Ada"], True, "revoked", id="revoked besides"),
        pytest.param(
            [*GOOD, f"EXPSIG {KEY[-16:]} Ada"], True, "expired", id="an expired signature"
        ),
        pytest.param(
            [f"ERRSIG {KEY[-16:]} 22 8 00 1795615212 9 {KEY}", f"NO_PUBKEY {KEY[-16:]}"],
            False,
            f"by key {KEY}, which allowed-signers does not have",
            id="an unknown key",
        ),
        pytest.param([], True, "cannot check", id="nothing"),
    ],
)
def test_read_signer__nobody(lines: list[str], good: bool, fault: str) -> None:
    with pytest.raises(Unfit, match=fault):
        openpgp.read_signer(said(*lines), good=good)
