from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from release import tree
from release.names import FILE, ReleaseNames
from release.rendering import rendered
from release.versions import Version

import studio_action
from studio_action.errors import BadInput

ROOT = Path(__file__).parents[2]
NAMES = ReleaseNames.parse((ROOT / FILE).read_text())
NOW = Version.parse(studio_action.__version__)
STEP = NAMES.images.step
IMAGES = {
    image: f"{image}@sha256:{number:064x}"
    for number, image in enumerate(
        (
            STEP,
            NAMES.images.server,
            NAMES.gitlab_images.step,
            NAMES.gitlab_images.server,
        )
    )
}


def of_release(name: str) -> str:
    return rendered(name, (ROOT / name).read_text(), NOW, IMAGES, STEP)


def test_action__runs_the_image_by_digest_and_is_else_the_same() -> None:
    released = yaml.safe_load(of_release("action.yml"))
    source = yaml.safe_load((ROOT / "action.yml").read_text())

    assert released["runs"].pop("image") == f"docker://{IMAGES[STEP]}"
    assert source["runs"].pop("image") == "Dockerfile"
    assert released == source


def test_every_file__no_image_by_tag_is_left() -> None:
    pinned = []
    for path, text in tree.texts(ROOT):
        name = path.relative_to(ROOT).as_posix()
        new = rendered(name, text, NOW, IMAGES, STEP)
        if new != text:
            pinned.append(name)
            assert not any(f"{image}:{NOW}" in new for image in IMAGES), name

    assert {"action.yml", ".gitlab-ci-template.yml", "templates/create-project/template.yml"} < set(
        pinned
    )
    assert "README.md" not in pinned
    assert len(pinned) > 10


def test_component__default_is_the_image_of_gitlab() -> None:
    text = of_release("templates/download-model/template.yml")

    assert f"default: {IMAGES[NAMES.gitlab_images.step]}\n" in text


def test_integration__is_the_image_of_github() -> None:
    assert f"image: {IMAGES[STEP]}\n" in of_release("integrations/kubernetes/init-container.yaml")


def test_server__is_not_the_step() -> None:
    text = rendered("charts/a.yaml", f"{NAMES.images.server}:{NOW}\n", NOW, IMAGES, STEP)

    assert text == f"{IMAGES[NAMES.images.server]}\n"


def test_another_version__stays() -> None:
    text = f"image: {STEP}:{NOW}-rc.1 {STEP}:99.0.0\n"

    assert rendered("integrations/a.yml", text, NOW, IMAGES, STEP) == text


@pytest.mark.parametrize(
    "reference", [f"{STEP}:1.0", f"{STEP}@sha256:12", f"{STEP} x@sha256:{0:064}"]
)
def test_reference__refused(reference: str) -> None:
    with pytest.raises(BadInput, match="by digest"):
        rendered("action.yml", "", NOW, {STEP: reference}, STEP)


@pytest.mark.parametrize("text", ["", "  image: Dockerfile\n  image: Dockerfile\n"])
def test_action__without_one_image(text: str) -> None:
    with pytest.raises(BadInput, match="once"):
        rendered("action.yml", text, NOW, IMAGES, STEP)
