from __future__ import annotations

from pathlib import Path

import pytest

from studio_action.errors import BadInput
from studio_action.server.release_names import ReleaseNames
from studio_action.server.run.configuration.reading import Options, read

SERVED = "data-dir: d\nrepositories: [{url: https://git.example.org/acme/models.git}]\n"


def configured(tmp_path: Path, text: str) -> ReleaseNames:
    (tmp_path / "server.yaml").write_text(SERVED + text)
    return read(Options("server.yaml"), {}, tmp_path).pages.release_names


def test_none__is_this_version_as_it_is_released(tmp_path: Path) -> None:
    assert configured(tmp_path, "") == ReleaseNames()


def test_every_entry(tmp_path: Path) -> None:
    text = """
snippets:
  action: platform/studio-action@v1
  image: registry.example.org:5000/ci/studio-action:1.2.0
  gitlab-project: platform/ci/studio-action@v1.2.0
"""
    image = "registry.example.org:5000/ci/studio-action:1.2.0"

    assert configured(tmp_path, text) == ReleaseNames(
        "platform/studio-action@v1", image, "platform/ci/studio-action", "v1.2.0", image
    )


def test_image__by_digest(tmp_path: Path) -> None:
    image = f"registry.example.org/step@sha256:{'0a' * 32}"

    assert configured(tmp_path, f"snippets: {{image: '{image}'}}").image == image


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("action", "studio-action"),
        ("action", "a/b@v1 # x"),
        ("action", "a/b"),
        ("gitlab-project", "a/b@"),
        ("image", "a b"),
        ("image", "x; rm -rf /"),
        ("image", "x@sha256:12"),
        ("image", "$(id)"),
    ],
)
def test_refused(tmp_path: Path, entry: str, text: str) -> None:
    with pytest.raises(BadInput, match=entry):
        configured(tmp_path, f"snippets: {{{entry}: '{text}'}}")
