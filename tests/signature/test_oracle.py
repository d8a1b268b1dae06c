"""What `model_signing` signs, hashed in each of its ways, and what it says itself of a change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from model_signing import hashing, signing, verifying

from studio_action.errors import PolicyRefused
from studio_action.model.artifact import RemoteFile
from studio_action.signature import coverage
from studio_action.signature import verifying as ours
from studio_action.signature.policy import SignaturePolicy
from studio_action.signature.statement import Bundle
from tests.signature.sigstore_instance import new_key
from tests.signature.statements import public_pem, sha256

KEY = new_key()
FILES = {"a": b"a" * 1000, "deep/b": b"b" * 2500, "deep/c": b"c"}

WAYS: dict[str, Callable[[], hashing.Config]] = {
    "sha256": hashing.Config,
    "blake2": lambda: hashing.Config().use_file_serialization(hashing_algorithm="blake2"),
    "blake3": lambda: hashing.Config().use_file_serialization(hashing_algorithm="blake3"),
    "shards": lambda: hashing.Config().use_shard_serialization(shard_size=1000),
    "shards by blake2": lambda: hashing.Config().use_shard_serialization(
        shard_size=1000, hashing_algorithm="blake2"
    ),
}


def changed(name: str, content: bytes | None) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        if content is None:
            (model / name).unlink()
        else:
            (model / name).write_bytes(content)

    return change


def renamed(model: Path) -> None:
    (model / "a").rename(model / "A")


CHANGES: dict[str, tuple[Callable[[Path], None], bool]] = {
    "nothing": (lambda model: None, True),
    "another byte": (changed("deep/b", b"b" * 2499 + b"x"), False),
    "a byte less": (changed("deep/b", b"b" * 2499), False),
    "a byte more": (changed("deep/b", b"b" * 2501), False),
    "a shard more": (changed("a", b"a" * 2000), False),
    "a file less": (changed("deep/c", None), False),
    "a file more": (changed("deep/d", b"d"), False),
    "an empty file more": (changed("deep/d", b""), False),
    "a file that is ignored": (changed(".gitattributes", b"x"), False),
    "another name": (renamed, False),
}
"""By name: what is done to a signed model, and whether it may be delivered then."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key").write_bytes(pem)
    (folder / "key.pub").write_text(public_pem(KEY))
    return folder / "key", folder / "key.pub"


def model_at(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def accepted(model: Path, signature: Path, folder: Path) -> bool:
    """Whether we would deliver the model as it lies there."""
    names = [each.relative_to(model).as_posix() for each in model.rglob("*") if each.is_file()]
    files = [RemoteFile(f"m/{name}", "https://storage.example.org/") for name in sorted(names)]
    try:
        bundle = Bundle.read("model.sig", signature.read_bytes())
        ours.verify(bundle, SignaturePolicy("key", public_key=public_pem(KEY)), folder)
        coverage.check_names(bundle, files, files, "m")
        for file in files:
            place = model / file.path.removeprefix("m/")
            coverage.check_content(bundle, file, "m", place, sha256(place.read_bytes()))
    except PolicyRefused:
        return False
    return True


@pytest.mark.parametrize("way", WAYS)
def test_whatever_is_delivered_passes_there_too(
    way: str, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    signature, scratch = tmp_path / "model.sig", tmp_path / "scratch"
    scratch.mkdir()
    private, public = keys
    signer = signing.Config().use_elliptic_key_signer(private_key=private)
    signer.set_hashing_config(WAYS[way]()).sign(model_at(tmp_path / "signed"), signature)

    for name, (change, expected) in CHANGES.items():
        model = model_at(tmp_path / name)
        change(model)
        assert accepted(model, signature, scratch) == expected, name
        if expected:
            verifier = verifying.Config().use_elliptic_key_verifier(public_key=public)
            verifier.set_hashing_config(WAYS[way]()).verify(model, signature)
