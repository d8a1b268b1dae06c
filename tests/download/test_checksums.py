from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.download.base import Verified, Verify
from studio_action.download.checksums import (
    Digests,
    StorageMetadata,
    difference,
    digests_of_bytes,
    digests_of_file,
    verification,
)
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest

CONTENT = b"one\r\ntwo\r\n"
MD5 = hashlib.md5(CONTENT).hexdigest()
UNIX = hashlib.md5(b"one\ntwo\n").hexdigest()
WRONG = "0" * 32
NOTHING = StorageMetadata()


@pytest.mark.parametrize(
    ("digest", "metadata", "verify", "how"),
    [
        pytest.param(Digest("md5", MD5), NOTHING, "auto", "md5", id="DVC 3"),
        pytest.param(Digest("md5", UNIX), NOTHING, "auto", None, id="DVC 3 knows no dos2unix"),
        pytest.param(Digest("md5", WRONG), NOTHING, "auto", None, id="other bytes"),
        pytest.param(Digest("md5-dos2unix", UNIX), NOTHING, "auto", "md5-dos2unix", id="DVC 2"),
        pytest.param(Digest("md5-dos2unix", MD5), NOTHING, "auto", "md5", id="DVC 2, as it is"),
        pytest.param(Digest("md5-dos2unix", WRONG), NOTHING, "auto", None, id="DVC 2, other bytes"),
        pytest.param(Digest("md5", f"{MD5}.dir"), NOTHING, "auto", "md5", id="a folder's list"),
        pytest.param(Digest("md5", WRONG), NOTHING, "off", "off", id="off"),
        pytest.param(
            Digest("md5", MD5), StorageMetadata(True, WRONG), "auto", "md5", id="key beats header"
        ),
        pytest.param(None, StorageMetadata(True, MD5), "auto", "content-md5", id="header"),
        pytest.param(None, StorageMetadata(True, WRONG), "auto", None, id="header, other bytes"),
        pytest.param(None, StorageMetadata(True, None), "auto", "length", id="length"),
        pytest.param(None, NOTHING, "auto", "none", id="nothing known"),
    ],
)
def test_verification(
    digest: Digest | None, metadata: StorageMetadata, verify: Verify, how: Verified | None
) -> None:
    file = RemoteFile("model", "https://host/key", digest=digest)

    assert verification(file, metadata, digests_of_bytes(CONTENT, digest), verify) == how


@pytest.mark.parametrize(
    ("noted", "metadata", "how"),
    [
        ("abc", StorageMetadata(True, None, '"abc"'), "etag"),
        ('"ABC"', StorageMetadata(True, None, 'W/"abc"'), "etag"),
        ("abc", StorageMetadata(True, None, '"abd"'), None),
        ("abc", StorageMetadata(True, MD5, '"abc"'), "content-md5"),
        ("abc", StorageMetadata(True, MD5, '"abd"'), None),
        ("abc", StorageMetadata(True, None, "Sun, 01 Mar 2026 12:00:00 GMT"), "length"),
        ("", StorageMetadata(True, None, '"abc"'), "length"),
    ],
)
def test_verification__etag(noted: str, metadata: StorageMetadata, how: Verified | None) -> None:
    file = RemoteFile("model", "https://host/key", etag=noted)

    assert verification(file, metadata, digests_of_bytes(CONTENT, None), "auto") == how


@pytest.mark.parametrize(("size", "how"), [(10, "length"), (11, None)])
def test_verification__promised_size(size: int, how: Verified | None) -> None:
    file = RemoteFile("model", "https://host/key", size=size)

    assert verification(file, NOTHING, digests_of_bytes(CONTENT, None), "auto") == how
    assert (verification(file, NOTHING, digests_of_bytes(CONTENT, None), "off") is None) == (
        not how
    )


@pytest.mark.parametrize(
    ("changes", "metadata", "text"),
    [
        ({"size": 11}, NOTHING, "it has 10 bytes; expected 11"),
        (
            {"digest": Digest("md5", WRONG)},
            NOTHING,
            f"its MD5 is {MD5}, and its storage key says md5:{WRONG}",
        ),
        ({}, StorageMetadata(True, WRONG), f"its MD5 is {MD5}, and the storage said {WRONG}"),
    ],
)
def test_difference(changes: dict[str, object], metadata: StorageMetadata, text: str) -> None:
    file = replace(RemoteFile("model", "https://host/key"), **changes)  # type: ignore[arg-type]

    assert difference(file, metadata, digests_of_bytes(CONTENT, file.digest)) == text


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


TEXT = b"one\r\ntwo\r\n"
BINARY = b"\x00\r\n" * 400
LONG_TEXT = b"0123456789abcde\r" + b"\n" + b"x\r\n" * 700_000


@pytest.mark.parametrize(
    ("content", "wanted", "stored"),
    [
        pytest.param(TEXT, "md5", md5(TEXT), id="DVC 3"),
        pytest.param(TEXT, "md5-dos2unix", md5(b"one\ntwo\n"), id="DVC 2, text"),
        pytest.param(BINARY, "md5-dos2unix", md5(BINARY), id="DVC 2, binary"),
        pytest.param(b"", "md5-dos2unix", md5(b""), id="DVC 2, empty"),
        pytest.param(
            TEXT * 100_000 + b"\x00" + TEXT,
            "md5-dos2unix",
            md5(TEXT.replace(b"\r\n", b"\n") * 100_000 + b"\x00" + b"one\ntwo\n"),
            id="DVC 2, judged by the start of each chunk",
        ),
    ],
)
def test_digests_of_file(tmp_path: Path, content: bytes, wanted: str, stored: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    asked = Digest.parse(f"{wanted}:{'0' * 32}")

    found = digests_of_file(path, asked)

    assert found == digests_of_bytes(content, asked)
    assert found == Digests(
        len(content), md5(content), sha256(content), Digest.parse(f"{wanted}:{stored}")
    )


def test_digests_of_file__text_stored_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    wanted = Digest("md5-dos2unix", md5(TEXT))

    assert digests_of_file(path, wanted).stored_as == wanted


def test_digests_of_file__line_end_across_chunks(tmp_path: Path) -> None:
    """DVC 2 normalised chunk by chunk, so a CRLF on the border stays."""
    path = tmp_path / "file"
    content = b"x" * ((1 << 20) - 1) + b"\r\n" + b"y\r\n"
    path.write_bytes(content)

    found = digests_of_file(path, Digest("md5-dos2unix", "0" * 32))

    assert found.stored_as.hex == md5(content[:-2] + b"\n")
