"""Every input that is a path of this machine reads a leading `~` as a shell does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from studio_action.ci.job import Job
from studio_action.errors import BadInput, WorkspaceRefused
from studio_action.gitrepo.signatures.requirement import TagSignature
from studio_action.inputs import parsers
from studio_action.inputs.config import read_delivery, read_network, read_reports
from studio_action.inputs.credential import Token
from studio_action.inputs.git_repository import read_location
from studio_action.inputs.lookup import Inputs
from studio_action.inputs.policy import read_policy_file
from studio_action.inputs.previous import Previous, read_previous
from studio_action.inputs.signature import read_signature
from studio_action.inputs.studio import read_studio
from studio_action.inputs.table import INPUTS
from studio_action.inputs.tag_signature import read_tag_signature
from studio_action.inputs.version_limits import read_version_limits
from studio_action.model.artifact import ArtifactRef, ModelName
from studio_action.model.paths import from_home
from studio_action.policy.rollback import EarlierDownload
from studio_action.signature.policy import SignaturePolicy
from studio_action.workspace.workspace import Workspace

JOB = Job("generic", Path("/workspace"))
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
PUBLIC_KEY = "-----BEGIN PUBLIC KEY-----"
Read = Callable[[Inputs], object]


def signature(method: str, inputs: Inputs, **more: str) -> SignaturePolicy:
    """What the inputs require of the model's signature."""
    options = {name.replace("_", "-"): text for name, text in more.items()}
    required = {**inputs.options, "require-signature": method, **options}
    found = read_signature(Inputs(required, inputs.environ))
    assert found is not None
    return found


PATHS: dict[str, Read] = {
    "dest": lambda inputs: read_delivery(inputs).dest,
    "cache-dir": lambda inputs: read_delivery(inputs).cache_dir,
    "output-json": lambda inputs: read_reports(inputs, Workspace(Path("/"), None)).json,
    "output-env": lambda inputs: read_reports(inputs, Workspace(Path("/"), None)).env,
    "output-dir": lambda inputs: read_reports(inputs, Workspace(Path("/"), None)).dir,
    "urls-file": lambda inputs: parsers.path(inputs["urls-file"]),
    "repo": lambda inputs: read_location(inputs, JOB, lambda: ""),
    "previous-manifest": lambda inputs: read_previous(inputs, Workspace(Path("/"), None)),
    "allowed-signers": lambda inputs: read_tag_signature(
        Inputs({**inputs.options, "require-signed-tag": "gpg"}, inputs.environ),
        Workspace(Path("/"), None),
    ),
    "not-older-than": lambda inputs: (
        read_version_limits(
            inputs, JOB, ArtifactRef("/models", ModelName("m")), Workspace(Path("/"), None)
        ).earlier
    ),
    "signature-public-key": lambda inputs: signature("key", inputs).public_key,
    "signature-certificate-chain": lambda inputs: (
        signature("certificate", inputs).certificate_chain
    ),
    "signature-trust-config": lambda inputs: (
        signature(
            "sigstore", inputs, signature_identity="ada", signature_identity_provider="https://ci"
        ).trust_config
    ),
    "token-file": lambda inputs: read_studio(inputs, JOB).credential,
    "policy-file": lambda inputs: read_policy_file(inputs, Path("/")) is not None,
    "ca-bundle": lambda inputs: CERTIFICATE in repr(read_network(inputs).authorities),
}
"""Every input that is a path, and how it is read."""

NO_PATHS = {
    *("command", "studio-url", "token", "source", "git-token", "model", "version", "stage"),
    *("prerelease", "on-model", "on-event", "on-stage", "require-ancestor-of", "previous-digest"),
    *("allowed-taggers", "max-age", "id-token"),
    *("minimum-version", "rollback", "ml-bom", "dry-run", "prune", "quiet", "verbose", "format"),
    "models",  # has no path of its own: a model's `dest` and `repo` are those inputs
    *("require-signed-tag", "require-signature", "signature", "expected-sha256"),
    *("signature-identity", "signature-identity-provider"),
    *("layout", "include", "exclude", "overwrite", "verify", "connections", "if-not-found"),
    *("timeout", "retries", "deadline", "project-name", "team-name", "subdir", "public"),
}


def test_every_input_is_known_to_be_a_path_or_none() -> None:
    assert {each.name for each in INPUTS} == PATHS.keys() | NO_PATHS


EARLIER = EarlierDownload("/models", "m", "v1.0.0", "m@v1.0.0", "0" * 40, None)
CONTENTS: dict[str, tuple[str, object]] = {
    "signature-public-key": (PUBLIC_KEY, PUBLIC_KEY),
    "signature-certificate-chain": (CERTIFICATE, CERTIFICATE),
    "signature-trust-config": ("{}", "{}"),
    "token-file": ("isat_x", Token("isat_x")),
    "previous-manifest": (f'{{"digest": "md5:{"0a" * 16}"}}', Previous(f"md5:{'0a' * 16}")),
    "not-older-than": (json.dumps({**asdict(EARLIER), "digest": ""}), EARLIER),
    "policy-file": ("rules: []", True),
    "ca-bundle": (CERTIFICATE, True),
    "allowed-signers": ("a keyring", TagSignature("gpg", b"a keyring")),
}
"""What is in a file that is read at once, and what it comes to."""


@pytest.mark.parametrize("name", PATHS)
def test_home(name: str, tmp_path: Path) -> None:
    content, expected = CONTENTS.get(name, ("", tmp_path / "a/b"))
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").write_text(content)

    assert PATHS[name](Inputs({name: "~/a/b"}, {"HOME": str(tmp_path)})) == expected


@pytest.mark.parametrize("name", [name for name in PATHS if name != "repo"])
@pytest.mark.parametrize(
    ("text", "environ", "fault"),
    [
        ("~ada/a", {"HOME": "/home/ci"}, "begins with '~ada'"),
        ("~ada", {"HOME": "/home/ci"}, "begins with '~ada'"),
        ("~/a", {}, "HOME does not say"),
        ("~", {"HOME": "relative"}, "HOME does not say"),
    ],
)
def test_home__of_somebody_else(name: str, text: str, environ: dict[str, str], fault: str) -> None:
    with pytest.raises(BadInput, match=f"input {name}: '~.*' .*{fault}"):
        PATHS[name](Inputs({name: text}, environ))


@pytest.mark.parametrize("text", ["~", "~/", "~/a"])
def test_home__is_not_in_the_workspace(text: str, tmp_path: Path) -> None:
    dest = read_delivery(Inputs({"dest": text}, {"HOME": "/home/ci"})).dest

    with pytest.raises(WorkspaceRefused, match=r"'/home/ci.*' is outside the workspace"):
        Workspace.at(tmp_path).inside(dest)


def test_home__where_the_workspace_is(tmp_path: Path) -> None:
    dest = read_delivery(Inputs({"dest": "~/a"}, {"HOME": str(tmp_path)})).dest

    assert Workspace.at(tmp_path).inside(dest) == tmp_path / "a"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("~", "/home/ci"),
        ("~/", "/home/ci"),
        ("~//a", "/home/ci/a"),
        ("./~/a", "~/a"),
        ("a/~", "a/~"),
        ("/~", "/~"),
    ],
)
def test_from_home(text: str, path: str) -> None:
    assert from_home(text, "/home/ci") == Path(path)
