from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.model.digest import Digest, digest_in_url, folder_digest, looks_like_text
from tests.sample import OBJECTS

HEX = "86bd02376ac675568ba2fac566169ef9"


@pytest.mark.parametrize(
    "text",
    [f"md5:{HEX}", f"md5:{HEX}.dir", f"md5-dos2unix:{HEX}", f"md5-dos2unix:{HEX}.dir"],
    ids=["file", "folder", "legacy file", "legacy folder"],
)
def test_parse__reads_back(text: str) -> None:
    assert str(Digest.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", HEX, f"sha256:{HEX}", f"md5:{HEX.upper()}", f"md5:{HEX[:-1]}", f"md5:{HEX}\n", "md5:"],
    ids=["nothing", "no algorithm", "algorithm", "upper case", "short", "line break", "no value"],
)
def test_parse__not_a_digest(text: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        Digest.parse(text)


NEW, OLD = Digest("md5", HEX), Digest("md5-dos2unix", HEX)


@pytest.mark.parametrize(
    ("url", "digest"),
    [
        (f"https://b.s3.amazonaws.com/files/md5/86/{HEX[2:]}?X-Amz-Signature=0", NEW),
        (f"https://b.s3.amazonaws.com/a/deep/prefix/files/md5/86/{HEX[2:]}", NEW),
        (f"https://a.blob.core.windows.net/c/files%2Fmd5%2F86%2F{HEX[2:]}?sig=0", NEW),
        (f"https://b.s3.amazonaws.com/bank-customer-churn/86/{HEX[2:]}?X-Amz-Expires=3600", OLD),
        (f"https://host.org/86/{HEX[2:]}", OLD),
        (f"https://host.org/86{HEX[2:]}", None),
        (f"https://host.org/86/{HEX[2:]}.dir", None),
        (f"https://host.org/86/{HEX[2:]}0", None),
        (f"https://host.org/86/{HEX[2:].upper()}", None),
        (f"https://host.org/86/{HEX[2:]}/model.pkl", None),
        (f"https://host.org/model.pkl?key=/86/{HEX[2:]}", None),
        ("https://host.org/models/churn.pkl", None),
    ],
    ids=[
        "DVC 3",
        "prefix",
        "encoded slashes",
        "DVC 2, as Studio's documents show it",
        "DVC 2 at the root",
        "one part",
        "folder's list",
        "long",
        "upper case",
        "not at the end",
        "only in the query",
        "version-aware remote",
    ],
)
def test_digest_in_url(url: str, digest: Digest | None) -> None:
    assert digest_in_url(url) == digest


LISTS = sorted(OBJECTS.rglob("*.dir"))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem[:8])
def test_folder_digest__of_folders_that_dvc_stored(path: Path) -> None:
    members = [(entry["relpath"], entry["md5"]) for entry in json.loads(path.read_text())]

    digest = folder_digest(reversed(members))

    assert digest.hex == path.parent.name + path.name


def test_folder_digest__there_are_folders_to_compare_with() -> None:
    assert len(LISTS) >= 5


def test_folder_digest__by_hand() -> None:
    text = '[{"md5": "' + "a" * 32 + '", "relpath": "\\u00e9"}]'

    assert folder_digest([("é", "a" * 32)]) == Digest(
        "md5", hashlib.md5(text.encode()).hexdigest() + ".dir"
    )


@given(st.dictionaries(st.text(min_size=1), st.just(HEX)))
def test_folder_digest__whatever_the_order(members: dict[str, str]) -> None:
    pairs = list(members.items())

    assert folder_digest(pairs) == folder_digest(reversed(pairs))


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (b"", True),
        (b"plain\r\ntext\t\x08\x0c", True),
        (b"\x80" * 3 + b"a" * 7, True),
        (b"\x80" * 31 + b"a" * 69, False),
        (b"text\x00", False),
        (bytes(range(128, 256)), False),
        ("é".encode() * 100, False),
    ],
    ids=["empty", "plain", "30 % other", "31 % other", "NUL", "binary", "UTF-8"],
)
def test_looks_like_text(block: bytes, text: bool) -> None:
    assert looks_like_text(block) is text
