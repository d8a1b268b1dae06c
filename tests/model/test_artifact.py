from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_action.errors import BadInput
from studio_action.model.artifact import (
    ArtifactRef,
    AtStage,
    AtVersion,
    Latest,
    ModelName,
    RemoteFile,
    Resolution,
)

MODELS = {
    "churn": ModelName("churn"),
    "x": ModelName("x"),
    "Text_class-ification/v2": ModelName("Text_class-ification/v2"),
    "path/to:churn": ModelName("churn", "path/to"),
    "path/to/dvc.yaml:churn": ModelName("churn", "path/to"),
    "path/to=churn": ModelName("churn", "path/to"),
    "./path//to/:churn": ModelName("churn", "path/to"),
    "dvc.yaml:churn": ModelName("churn"),
    "v1.0_x-y:churn": ModelName("churn", "v1.0_x-y"),
}


@pytest.mark.parametrize(("text", "model"), MODELS.items(), ids=MODELS)
def test_model_name(text: str, model: ModelName) -> None:
    assert ModelName.parse(text) == model


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "path:",
        "_churn",
        "churn-",
        "/churn",
        "churn/",
        "churn.v2",
        "my churn",
        "churn\n",
        "chürn",
        "churn@v1.0.0",
        "churn#prod",
        "a:b:churn",
        "a=b:churn",
        "/path:churn",
        "..:churn",
        "a/../../b:churn",
        r"a\b:churn",
        "a b:churn",
        "C:/models:churn",
    ],
    ids=repr,
)
def test_model_name__refused(text: str) -> None:
    with pytest.raises(BadInput):
        ModelName.parse(text)


name = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-/_]{0,8}[a-zA-Z0-9])?", fullmatch=True)
folder = st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,8}", fullmatch=True), max_size=3).map("/".join)


@given(name, folder)
def test_model_name__reads_back(name: str, folder: str) -> None:
    model = ModelName(name, folder)

    assert ModelName.parse(str(model)) == model


@given(st.text(st.sampled_from("ab/.=:-_@#\\ \n\0")))
def test_model_name__never_names_a_folder_above(text: str) -> None:
    try:
        model = ModelName.parse(text)
    except BadInput:
        return

    assert ".." not in model.folder.split("/")
    assert not model.folder.startswith("/")
    assert ModelName.parse(str(model)) == model


@pytest.mark.parametrize(
    "text",
    ["v2.0.0", "v0.0.0", "v10.20.30-rc.1", "v1.0.0-alpha-1.x.0+build.007", "v1.0.0+b1"],
    ids=str,
)
def test_at_version(text: str) -> None:
    assert AtVersion.parse(text) == AtVersion(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v",
        "v1",
        "v1.0",
        "V1.0.0",
        f"v{'9' * 5000}.0.0",
        "v01.0.0",
        "v1.0.0-",
        "v1.0.0-01",
        "v1.0.0+",
        "v1.0.0\n",
        "v１.0.0",
        "latest",
        "^1.2",
        "v1.0.0 ",
    ],
    ids=repr,
)
def test_at_version__refused(text: str) -> None:
    with pytest.raises(BadInput):
        AtVersion.parse(text)


def test_at_version__hint_adds_the_v() -> None:
    with pytest.raises(BadInput) as caught:
        AtVersion.parse("2.0.0")

    assert caught.value.hint == "Write v2.0.0"


@pytest.mark.parametrize("text", ["prod", "Prod-1", "eu/prod", "1"], ids=str)
def test_at_stage(text: str) -> None:
    assert AtStage.parse(text) == AtStage(text)


@pytest.mark.parametrize("text", ["", "prod#1", "prod!", "_prod", "pr od", "prod\n"], ids=repr)
def test_at_stage__refused(text: str) -> None:
    with pytest.raises(BadInput):
        AtStage.parse(text)


def test_words() -> None:
    selectors = [AtVersion("v1.0.0"), AtStage("prod"), Latest()]

    assert [str(each) for each in selectors] == ["version v1.0.0", "stage prod", "latest version"]
    assert str(ArtifactRef("acme/ml", ModelName("churn", "models"))) == "models:churn of acme/ml"


FILE = RemoteFile("model.pkl", "https://host.org/?X-Amz-Signature=s3cr3t")
RESOLUTION = Resolution(
    ArtifactRef("acme/churn", ModelName("churn")), Latest(), "studio", files=(FILE,)
)


def test_remote_file__signed_url_is_not_in_the_repr() -> None:
    assert "s3cr3t" not in repr(FILE)
    assert "s3cr3t" not in repr(RESOLUTION)


def test_resolution__urls() -> None:
    assert RESOLUTION.urls == {"model.pkl": FILE.url}
