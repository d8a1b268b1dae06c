from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from studio_action import doctor
from studio_action.artifact import RemoteFile
from studio_action.errors import BadInput, NoSuchModel, StudioActionError
from studio_action.gitrepo import history
from studio_action.gitrepo.diagnosis import Finding
from studio_action.gitrepo.history import TagRef
from tests.fakes import MemoryRegistry

TAGS = ("m@v1.0.0", "m#prod#1")
MODELS = history.read(TagRef(name, "1" * 40, when, True) for when, name in enumerate(TAGS))
NOTE = Finding("note", "m", "good to know")
WARNING = Finding("warning", "m", "look at this")


def nothing(files: Sequence[RemoteFile]) -> Sequence[RemoteFile]:
    return []


def everything(files: Sequence[RemoteFile]) -> Sequence[RemoteFile]:
    return files


def examined(
    *findings: Finding,
    lost: doctor.Lost = nothing,
    failure: StudioActionError | None = None,
) -> doctor.Diagnosis:
    registry = MemoryRegistry({"m.bin": b"x"}, failure=failure)
    return doctor.examine("acme/models", MODELS, registry, findings, lost)


def test_examine__a_healthy_repository() -> None:
    found = examined()
    assert list(found.lines()) == [
        "MODEL  VERSION  STAGES  COMMIT   FILES  SIZE",
        "m      v1.0.0   prod    1111111  1",
        "Nothing is wrong.",
    ]
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("found", "code", "text"),
    [
        pytest.param(examined(NOTE), 0, "note: m: good to know", id="note"),
        pytest.param(examined(NOTE, WARNING), 17, "warning: m: look at this", id="warning"),
        pytest.param(examined(WARNING, lost=everything), 12, "dvc push", id="lost object"),
        pytest.param(
            examined(failure=NoSuchModel("not in dvc.yaml")), 12, "v1.0.0: not in", id="no model"
        ),
        pytest.param(
            examined(failure=BadInput("no credentials")), 17, "no credentials", id="unreadable"
        ),
    ],
)
def test_examine__by_severity(found: doctor.Diagnosis, code: int, text: str) -> None:
    assert found.exit_code == code
    assert any(text in line for line in found.lines())


def test_document() -> None:
    found = json.loads(examined(WARNING).document)
    assert [row["version"] for row in found["versions"]] == ["v1.0.0"]
    assert found["findings"] == [{"severity": "warning", "model": "m", "text": "look at this"}]
