"""What a signature covers: by names before a download, by digests after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from studio_action.errors import PolicyRefused
from studio_action.model.artifact import RemoteFile
from studio_action.signature.coverage import check_content, check_names
from studio_action.signature.statement import Bundle
from tests.signature.sigstore_instance import new_key
from tests.signature.statements import content, of_files, resource, sha256, signed_by_key, statement

KEY = new_key()


def bundle(said: Any, path: str = "m/model.sig") -> Bundle:
    return Bundle.read(path, content(signed_by_key(said, KEY)))


def remote(paths: Iterable[str]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(path, f"https://storage.example.org/{path}") for path in paths)


AB = bundle(of_files({"a": b"a", "deep/b": b"b"}))


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        pytest.param(("m/a", "m/deep/b"), None, id="all"),
        pytest.param(("m/a", "m/deep/b", "m/model.sig"), None, id="the bundle itself"),
        pytest.param(("m/a", "m/deep/b"), ("m/a",), id="a part of it"),
        pytest.param(("m/a", "m/deep/b", "m/new"), ("m/a",), id="a new file that nobody wants"),
    ],
)
def test_names__covered(there: tuple[str, ...], chosen: tuple[str, ...] | None) -> None:
    check_names(AB, remote(there if chosen is None else chosen), remote(there), "m")


@pytest.mark.parametrize(
    ("there", "chosen", "message"),
    [
        pytest.param(("m/a",), None, "covers 'deep/b', which the model does not have", id="gone"),
        pytest.param(("m/a", "m/b"), None, "covers 'deep/b'", id="in another folder"),
        pytest.param(("m/A", "m/deep/b"), None, "covers 'a', which", id="in other case"),
        pytest.param(("m/a", "m/deep/b", "m/c"), None, "does not cover 'c'", id="new"),
        pytest.param(
            ("m/a", "m/deep/b", "m/.gitignore"), None, "signer left that out", id="ignored"
        ),
        pytest.param(
            ("m/a", "m/deep/b", "m/deep/model.sig"),
            None,
            "cover 'deep/model.sig'",
            id="another bundle",
        ),
        pytest.param(("x/m/a", "x/m/deep/b"), None, "covers 'a' and", id="another root"),
        pytest.param(
            ("m/a", "m/deep/b", "m/c"), ("m/c",), "does not cover 'c'", id="only the new one"
        ),
    ],
)
def test_names__refused(
    there: tuple[str, ...], chosen: tuple[str, ...] | None, message: str
) -> None:
    wanted = there if chosen is None else chosen
    with pytest.raises(PolicyRefused) as caught:
        check_names(AB, remote(wanted), remote(there), "m")
    assert message.replace(" and", ", 'deep/b'") in str(caught.value)


def test_names__a_model_of_one_file_has_none() -> None:
    one = bundle(of_files({".": b"a"}), "model.sig")

    check_names(one, remote(["m.pkl"]), remote(["m.pkl"]), "m.pkl")
    with pytest.raises(PolicyRefused, match="covers the one file"):
        check_names(one, remote(["m/a"]), remote(["m/a"]), "m")
    by_name = bundle(of_files({"weights": b"a"}))
    with pytest.raises(PolicyRefused, match="covers 'weights'"):
        check_names(by_name, remote(["m.pkl"]), remote(["m.pkl"]), "m.pkl")


def blake2b(data: bytes) -> str:
    return hashlib.blake2b(data).hexdigest()


def by_blake3(data: bytes) -> str:
    return str(blake3(data).hexdigest())


def shards(data: bytes, size: int, algorithm: str = "sha256") -> dict[str, Any]:
    parts = [
        resource(
            f"a:{at}:{min(at + size, len(data))}",
            hashlib.new(algorithm, data[at : at + size]).hexdigest(),
            f"{algorithm}-sharded-{size}",
        )
        for at in range(0, len(data), size)
    ]
    return statement(parts, method="shards", shard_size=size, hash_type=algorithm)


DATA = bytes(range(256)) * 2000
"""More than is hashed at a time."""
WAYS = [
    pytest.param(of_files({"a": DATA}), id="sha256"),
    pytest.param(
        statement([resource("a", blake2b(DATA), "blake2b")], hash_type="blake2b"), id="blake2b"
    ),
    pytest.param(
        statement([resource("a", by_blake3(DATA), "blake3")], hash_type="blake3"), id="blake3"
    ),
    pytest.param(shards(DATA, 300_000), id="shards"),
    pytest.param(shards(DATA, 512_000, "blake2b"), id="one shard"),
]


def check(said: Any, data: bytes, folder: Path, path: str = "m/a") -> None:
    place = folder / "partial"
    place.write_bytes(data)
    check_content(bundle(said), remote([path])[0], "m", place, sha256(data))


@pytest.mark.parametrize("said", WAYS)
def test_content__every_way_to_hash(said: dict[str, Any], tmp_path: Path) -> None:
    check(said, DATA, tmp_path)
    for other in (DATA[:-1] + b"x", DATA[:-1], DATA + b"x", b"x" + DATA[1:], b""):
        with pytest.raises(PolicyRefused, match="is not what was signed"):
            check(said, other, tmp_path)


def test_names__an_empty_file_has_no_shard() -> None:
    files = remote(["m/a", "m/empty"])
    with pytest.raises(PolicyRefused, match="covers no empty file"):
        check_names(bundle(shards(DATA, 300_000)), files, files, "m")


def test_content__of_the_bundle_is_what_was_verified(tmp_path: Path) -> None:
    good = content(signed_by_key(of_files({"a": b"a"}), KEY))
    verified = Bundle.read("m/model.sig", good)
    (file,) = remote(["m/model.sig"])

    check_content(verified, file, "m", tmp_path, sha256(good))
    with pytest.raises(PolicyRefused, match="is not what was signed"):
        check_content(verified, file, "m", tmp_path, sha256(good + b" "))
