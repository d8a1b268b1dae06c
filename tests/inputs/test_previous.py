from __future__ import annotations

import pytest

from studio_action.errors import BadInput
from studio_action.inputs.previous import Previous, previous_digest, previous_manifest
from studio_action.model.digest import Digest
from studio_action.outputs.manifest import digest_text

DIGEST = digest_text(Digest("md5", "0" * 32 + ".dir"))


@pytest.mark.parametrize(
    ("previous", "digest", "changed"),
    [
        (DIGEST, DIGEST, False),
        (DIGEST, "md5:" + "1" * 32, True),
        (DIGEST, "", True),
        ("", DIGEST, True),
        ("", "", True),
    ],
)
def test_previous__changed(previous: str, digest: str, changed: bool) -> None:
    assert Previous(previous).changed(digest) is changed


def test_previous_digest() -> None:
    assert previous_digest(DIGEST) == Previous(DIGEST)
    with pytest.raises(BadInput, match="previous-digest"):
        previous_digest("sha256:0")


def missing() -> bytes:
    raise FileNotFoundError


def test_previous_manifest() -> None:
    assert previous_manifest(lambda: f'{{"digest": "{DIGEST}"}}'.encode(), "m") == Previous(DIGEST)
    assert previous_manifest(missing, "m") == Previous("")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 200_000], ids=lambda it: it[:5])
def test_previous_manifest__of_something_else(text: str) -> None:
    with pytest.raises(BadInput, match="previous-manifest"):
        previous_manifest(lambda: text.encode(), "m")
