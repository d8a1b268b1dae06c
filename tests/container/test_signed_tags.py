"""The image has what checks the signatures of tags, for whoever runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.container.engine import OWNER, Image
from tests.gitrepo.repositories import git, made_at
from tests.gitrepo.signatures.gitsigning import ACCOUNTS, ADA, GitsignTag
from tests.gitrepo.signatures.signing import (
    Gpg,
    SshKey,
    needs_gpg,
    needs_ssh,
    signed_tag,
    stored_tag,
    tag_payload,
)
from tests.signature.sigstore_instance import Sigstore

TAG = "m@v1.0.0"
FILES = {"dvc.yaml": b"artifacts:\n  m:\n    path: m.bin\n", "m.bin": b"model"}


def ssh(checkout: Path, folder: Path) -> list[str]:
    key = SshKey.make(folder / "key")
    signed_tag(checkout, TAG, key.options)
    return [f"--allowed-signers=ada@example.com {key.public}"]


def gpg(checkout: Path, folder: Path) -> list[str]:
    with Gpg.running() as program:
        key = program.make_key("ada@example.com")
        program.tag(checkout, TAG, key)
        return [f"--allowed-signers={program.export(key).decode()}"]


def gitsign(checkout: Path, folder: Path) -> list[str]:
    sigstore = Sigstore()
    payload = tag_payload(git(checkout, "rev-parse", "HEAD"), TAG)
    stored_tag(checkout, TAG, GitsignTag(sigstore, payload).signed())
    trust = f"--signature-trust-config={sigstore.trusted_root()}"
    return [f"--allowed-signers={ADA} {ACCOUNTS}", trust]


@pytest.mark.parametrize(
    "sign",
    [pytest.param(ssh, marks=needs_ssh), pytest.param(gpg, marks=needs_gpg), gitsign],
    ids=["ssh", "gpg", "gitsign"],
)
def test_docker_run__signed_tags(
    image: Image, owned_workspace: Path, tmp_path: Path, sign: object
) -> None:
    assert callable(sign)
    (tmp_path / "made").mkdir()
    checkout = made_at(owned_workspace / "made", FILES)
    options = sign(checkout, tmp_path / "made")
    for path in (owned_workspace, *owned_workspace.rglob("*")):
        os.chown(path, *OWNER)
    kind = sign.__name__  # type: ignore[attr-defined]

    done = image.run(
        *("resolve-model", "--source=git", "--repo=./made", "--model=m", "--version=v1.0.0"),
        *(f"--require-signed-tag={kind}", *options, "--output-json=outputs.json"),
        workspace=owned_workspace,
        options=("--user={}:{}".format(*OWNER), "--read-only", "--tmpfs=/tmp"),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tag {TAG} is signed by " in done.stdout + done.stderr
    assert json.loads((owned_workspace / "outputs.json").read_text())["tag"] == TAG
