from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from studio_action.download.sizes import Seen
from studio_action.errors import BadInput, NoSuchModel, StudioActionError
from studio_action.gitrepo.diagnosis import Finding
from studio_action.gitrepo.git.tag_ref import TagRef
from studio_action.gitrepo.gto import history
from studio_action.gitrepo.gto.history import Model
from studio_action.model.artifact import ModelName, RemoteFile
from studio_action.run import doctor
from tests.fakes import MemoryRegistry

TAGS = ("m@v1.0.0", "m#prod#1")
MODELS = history.read(TagRef(name, "1" * 40, when, True) for when, name in enumerate(TAGS))
NOTE = Finding("note", "m", "good to know")
WARNING = Finding("warning", "m", "look at this")


def there(files: Sequence[RemoteFile]) -> Seen:
    return Seen(tuple(replace(file, size=1500) for file in files), ())


def gone(files: Sequence[RemoteFile]) -> Seen:
    return Seen(tuple(files), tuple(files))


def examined(
    *findings: Finding,
    measure: doctor.Measure = there,
    failure: StudioActionError | None = None,
    models: Mapping[ModelName, Model] = MODELS,
    contents: tuple[str, ...] = ("m.bin",),
    heard: Sequence[str] = (),
    **resolved: str,
) -> doctor.Diagnosis:
    registry = MemoryRegistry(dict.fromkeys(contents, b"x"), failure=failure, resolved=resolved)
    return doctor.examine("acme/models", models, registry, findings, measure, heard)


def test_examine__a_healthy_repository() -> None:
    found = examined()
    assert list(found.lines()) == [
        "MODEL  VERSION  STAGES  COMMIT   FILES  SIZE",
        "m      v1.0.0   prod    1111111  1      1.5 kB",
        "No problems found.",
    ]
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("found", "code", "text"),
    [
        pytest.param(examined(NOTE), 0, "note: m: good to know", id="note"),
        pytest.param(examined(NOTE, WARNING), 17, "warning: m: look at this", id="warning"),
        pytest.param(examined(WARNING, measure=gone), 12, "dvc push", id="lost object"),
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


def test_lines__of_the_repository_as_a_whole() -> None:
    found = examined(Finding("warning", "", "x.dvc is broken"))

    assert list(found.lines())[-1] == "warning: x.dvc is broken"


def test_document() -> None:
    found = json.loads(examined(WARNING).document)
    assert [row["version"] for row in found["versions"]] == ["v1.0.0"]
    assert found["findings"] == [{"severity": "warning", "model": "m", "text": "look at this"}]


MANY = history.read(
    TagRef(name, "1" * 40, when, True)
    for when, name in enumerate(("a@v1.0.0", "a@v1.1.0", "a@v1.2.0", "b@v1.0.0"))
)
CLOSED = BadInput("the remote 'r' needs a password", "Set it")


def findings_of(diagnosis: doctor.Diagnosis) -> list[tuple[str, str]]:
    return [(finding.model, finding.text) for finding in diagnosis.findings]


def test_examine__a_remote_that_cannot_be_opened_is_one_finding() -> None:
    assert findings_of(examined(models=MANY, failure=CLOSED)) == [
        ("a, b", "4 versions: the remote 'r' needs a password. Set it")
    ]


def test_examine__one_model_names_its_versions() -> None:
    models = {name: model for name, model in MANY.items() if str(name) == "a"}
    assert findings_of(examined(models=models, failure=CLOSED)) == [
        ("a", "3 versions (v1.2.0, v1.1.0, v1.0.0): the remote 'r' needs a password. Set it")
    ]


def test_examine__a_folder_that_was_never_pushed_is_one_finding() -> None:
    ((model, text),) = findings_of(examined(measure=gone, contents=("m/a", "m/b", "m/c")))
    assert model == "m"
    assert text.startswith("v1.0.0: 'm/a' and 2 more files are not in their remote (storage.")


def test_examine__a_folder_has_the_sizes_of_its_files() -> None:
    (row,) = examined(contents=("m/a", "m/b")).versions
    assert (row.files, row.size) == (2, 3000)


def test_examine__a_pointer_is_delivered() -> None:
    found = examined(contents=("m.bin.dvc",), root="m.bin.dvc")
    assert found.exit_code == 12
    ((_, text),) = findings_of(found)
    said = text.removeprefix("v1.0.0: ")
    assert findings_of(examined(contents=("m.bin.dvc",), root="m.bin.dvc", heard=[said])) == [
        ("m", text)
    ]
    assert "'m.bin.dvc' is the model's path, and only points to content: write 'm.bin'" in text


def test_examine__what_the_registry_says_is_told_once() -> None:
    heard = ["x.dvc is not YAML", "look at this", "x.dvc is not YAML"]
    found = examined(WARNING, heard=heard)
    assert [*found.lines()][-2:] == ["warning: m: look at this", "warning: x.dvc is not YAML"]
