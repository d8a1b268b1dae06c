from __future__ import annotations

import pytest

from studio_action.errors import UnexpectedAnswer
from studio_action.gitrepo.dvc.annotations import Annotation, annotations_in
from studio_action.model.artifact import ModelName
from tests.gitrepo.memory import files


def read(text: str, folder: str = "") -> dict[str, Annotation]:
    home = f"{folder}/dvc.yaml" if folder else "dvc.yaml"
    found = annotations_in(folder, files({home: text}))
    assert {name.folder for name in found} <= {folder}
    return {name.name: each for name, each in found.items()}


def test_annotations__what_people_write() -> None:
    text = """
        vars: [{kind: network}]
        artifacts:
          churn: {path: m, type: model, labels: [gbm, tabular, gbm], desc: Who leaves}
          ocr: {path: m, type: '${kind}'}
          bare: {path: m}
    """

    assert read(text, "models") == {
        "churn": Annotation("model", ("gbm", "tabular"), "Who leaves"),
        "ocr": Annotation("network"),
        "bare": Annotation(),
    }


@pytest.mark.parametrize(
    "text", ["churn: 7", "churn: {type: [x], labels: x, desc: {}}", "churn: {labels: [1, {}, ~]}"]
)
def test_annotations__of_another_kind_are_left_out(text: str) -> None:
    assert read(f"artifacts: {{{text}}}") == {"churn": Annotation()}


def test_annotations__are_safe_to_show() -> None:
    long = "x" * 5000
    found = read(
        f'artifacts: {{churn: {{type: "\\u202ea\\e[31m", labels: [{long}], desc: {long}}}}}'
    )

    said = found["churn"]
    assert said.type.isprintable()
    assert (len(said.labels[0]), len(said.description)) == (100, 2000)


def test_annotations__that_cannot_be_read() -> None:
    with pytest.raises(UnexpectedAnswer):
        annotations_in("", files({"dvc.yaml": "artifacts: ["}))


def test_annotations__of_no_file() -> None:
    assert ModelName("x") not in annotations_in("", files({"a": ""}))
