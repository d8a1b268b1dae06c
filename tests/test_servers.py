"""The real servers really check: what the tests of a download stand on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import requests

from tests import sample
from tests.servers import SampleStorage, tampered

HOUR = timedelta(hours=1)


def signed(storage: SampleStorage, model: str, *, ago: timedelta = timedelta()) -> str:
    """A URL of the first file of `model`, signed a while ago for an hour."""
    found = sample.expected()["models"][model]
    url = found["versions"][found["latest"]]["files"][0]["url"]
    moment = datetime.now(timezone.utc) - ago
    return storage.signers[url.partition(":")[0]](url, moment, HOUR)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("model", ["dir-model", "az-dir", "web-model", "legacy-dir"])
def test_signed(real_storage: SampleStorage, session: requests.Session, model: str) -> None:
    found = sample.expected()["models"][model]
    content = sample.object_path(found["versions"][found["latest"]]["files"][0]["url"]).read_bytes()

    assert session.get(signed(real_storage, model)).content == content


@pytest.mark.parametrize("model", ["dir-model", "az-dir"], ids=["S3", "Azure"])
def test_signed__tampered(
    real_storage: SampleStorage, session: requests.Session, model: str
) -> None:
    url = tampered(signed(real_storage, model))

    assert session.get(url).status_code == 403


@pytest.mark.parametrize("model", ["dir-model", "az-dir"], ids=["S3", "Azure"])
def test_signed__expired(
    real_storage: SampleStorage, session: requests.Session, model: str
) -> None:
    assert session.get(signed(real_storage, model, ago=2 * HOUR)).status_code == 403


def test_signed__head_with_a_get_signature(
    real_storage: SampleStorage, session: requests.Session
) -> None:
    assert session.head(signed(real_storage, "dir-model")).status_code == 403
