from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from studio_action.download.base import Verified, Verify
from studio_action.download.hashing import digests_of_bytes
from studio_action.download.verifying import Told, difference, verified
from studio_action.model.artifact import RemoteFile
from studio_action.model.digest import Digest

CONTENT = b"one\r\ntwo\r\n"
MD5 = hashlib.md5(CONTENT).hexdigest()
UNIX = hashlib.md5(b"one\ntwo\n").hexdigest()
WRONG = "0" * 32
NOTHING = Told(size=False, md5=None)


@pytest.mark.parametrize(
    ("digest", "told", "verify", "how"),
    [
        pytest.param(Digest("md5", MD5), NOTHING, "auto", "md5", id="DVC 3"),
        pytest.param(Digest("md5", UNIX), NOTHING, "auto", None, id="DVC 3 knows no dos2unix"),
        pytest.param(Digest("md5", WRONG), NOTHING, "auto", None, id="other bytes"),
        pytest.param(Digest("md5-dos2unix", UNIX), NOTHING, "auto", "md5-dos2unix", id="DVC 2"),
        pytest.param(Digest("md5-dos2unix", MD5), NOTHING, "auto", "md5", id="DVC 2, as it is"),
        pytest.param(Digest("md5-dos2unix", WRONG), NOTHING, "auto", None, id="DVC 2, other bytes"),
        pytest.param(Digest("md5", f"{MD5}.dir"), NOTHING, "auto", "md5", id="a folder's list"),
        pytest.param(Digest("md5", WRONG), NOTHING, "off", "off", id="off"),
        pytest.param(Digest("md5", MD5), Told(True, WRONG), "auto", "md5", id="key beats header"),
        pytest.param(None, Told(True, MD5), "auto", "content-md5", id="header"),
        pytest.param(None, Told(True, WRONG), "auto", None, id="header, other bytes"),
        pytest.param(None, Told(True, None), "auto", "length", id="length"),
        pytest.param(None, NOTHING, "auto", "none", id="nothing known"),
    ],
)
def test_verified(digest: Digest | None, told: Told, verify: Verify, how: Verified | None) -> None:
    file = RemoteFile("model", "https://host/key", digest=digest)

    assert verified(file, told, digests_of_bytes(CONTENT, digest), verify) == how


@pytest.mark.parametrize(
    ("noted", "told", "how"),
    [
        ("abc", Told(True, None, '"abc"'), "etag"),
        ('"ABC"', Told(True, None, 'W/"abc"'), "etag"),
        ("abc", Told(True, None, '"abd"'), None),
        ("abc", Told(True, MD5, '"abc"'), "content-md5"),
        ("abc", Told(True, MD5, '"abd"'), None),
        ("abc", Told(True, None, "Sun, 01 Mar 2026 12:00:00 GMT"), "length"),
        ("", Told(True, None, '"abc"'), "length"),
    ],
)
def test_verified__etag(noted: str, told: Told, how: Verified | None) -> None:
    file = RemoteFile("model", "https://host/key", etag=noted)

    assert verified(file, told, digests_of_bytes(CONTENT, None), "auto") == how


@pytest.mark.parametrize(("size", "how"), [(10, "length"), (11, None)])
def test_verified__promised_size(size: int, how: Verified | None) -> None:
    file = RemoteFile("model", "https://host/key", size=size)

    assert verified(file, NOTHING, digests_of_bytes(CONTENT, None), "auto") == how
    assert (verified(file, NOTHING, digests_of_bytes(CONTENT, None), "off") is None) == (not how)


@pytest.mark.parametrize(
    ("changes", "told", "text"),
    [
        ({"size": 11}, NOTHING, "it has 10 bytes, and 11 were promised"),
        (
            {"digest": Digest("md5", WRONG)},
            NOTHING,
            f"its MD5 is {MD5}, and its storage key says md5:{WRONG}",
        ),
        ({}, Told(True, WRONG), f"its MD5 is {MD5}, and the storage said {WRONG}"),
    ],
)
def test_difference(changes: dict[str, object], told: Told, text: str) -> None:
    file = replace(RemoteFile("model", "https://host/key"), **changes)  # type: ignore[arg-type]

    assert difference(file, told, digests_of_bytes(CONTENT, file.digest)) == text
