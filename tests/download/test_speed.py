from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.download import speed
from studio_action.errors import DeadlinePassed
from studio_action.model.artifact import RemoteFile
from studio_action.net.clock import Deadline, Limits
from studio_action.net.network import Network
from tests.fakes import Time
from tests.reference import Answer, ReferenceServer


def measured(url: str, limits: Limits | None = None) -> float | None:
    return speed.measured(RemoteFile("m/a", url), Network(), limits or Limits(5, 0))


def test_measured(studio: ReferenceServer) -> None:
    studio.storage_script.append(Answer(200, "x" * 50_000))

    found = measured(f"{studio.url}/storage/x")

    assert found is not None
    assert found > 50_000 / speed.PATIENCE
    assert studio.fetches[0].headers["range"] == f"bytes=0-{speed.SAMPLE - 1}"


@pytest.mark.parametrize("status", [403, 404, 503])
def test_measured__nothing_comes(studio: ReferenceServer, status: int) -> None:
    studio.storage_script.append(Answer(status, "x" * 100))

    assert measured(f"{studio.url}/storage/x") is None


def test_measured__what_no_url_opens(tmp_path: Path) -> None:
    assert measured(f"file://{tmp_path}/x") is None
    assert measured("ssh://models.example.org/x") is None


def test_measured__the_deadline(studio: ReferenceServer) -> None:
    time = Time()
    limits = Limits(5, 0, Deadline(1, time.clock))
    time.now = 2

    with pytest.raises(DeadlinePassed):
        measured(f"{studio.url}/storage/x", limits)
