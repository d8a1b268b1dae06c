from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import studio_action
from studio_action.inputs.table import INPUTS
from studio_action.server.release_names import ReleaseNames
from studio_action.server.web import snippets
from studio_action.server.web.snippets import CI, SnippetInputs

ROOT = Path(__file__).parents[3]
WANTED = SnippetInputs(
    "https://models.example.org/studio", "acme/models", "models/vision:churn", "prod"
)
ASKED = {
    "studio-url": "https://models.example.org/studio",
    "repo": "acme/models",
    "model": "models/vision:churn",
    "stage": "prod",
}


def github(wanted: SnippetInputs) -> Any:
    (step,) = yaml.safe_load(snippets.snippet(wanted, "github"))
    return step


def gitlab(wanted: SnippetInputs) -> Any:
    (include,) = yaml.safe_load(snippets.snippet(wanted, "gitlab"))["include"]
    return include


def test_names__are_those_that_are_given() -> None:
    names = ReleaseNames(
        "a/step@v1", "r.example.org/step:1", "b/step", "v1.0.0", "r.example.org/s:1"
    )
    wanted = replace(WANTED, names=names)

    assert github(wanted)["uses"] == "a/step@v1"
    assert gitlab(wanted)["project"] == "b/step"
    assert gitlab(wanted)["ref"] == "v1.0.0"
    assert gitlab(wanted)["inputs"]["image"] == "r.example.org/s:1"
    assert "r.example.org/step:1" in docker(wanted)


@pytest.mark.parametrize("ci", snippets.NAMES)
def test_names__no_placeholder(ci: CI) -> None:
    text = snippets.snippet(WANTED, ci)

    assert "OWNER" not in text
    assert "example.org/tools" not in text


def docker(wanted: SnippetInputs) -> list[str]:
    return shlex.split(snippets.snippet(wanted, "docker").replace("\\\n", ""), comments=True)


def test_github__a_step_as_the_action_takes_it() -> None:
    step = github(WANTED)

    assert step["uses"].endswith(f"/studio-action@v{studio_action.__version__}")
    assert step["with"] == {
        "token": "${{ secrets.DVC_STUDIO_TOKEN }}",
        **ASKED,
        "dest": "model",
    }
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert step["with"].keys() <= action["inputs"].keys()


def test_gitlab__inputs_as_the_template_takes_them() -> None:
    include = gitlab(WANTED)

    assert ASKED.items() <= include["inputs"].items()
    (header, *_) = yaml.safe_load_all(template_without_tags())
    assert include["inputs"].keys() <= header["spec"]["inputs"].keys()


def template_without_tags() -> str:
    return (ROOT / ".gitlab-ci-template.yml").read_text().replace("!reference", "")


def test_docker__options_as_the_program_takes_them() -> None:
    words = docker(WANTED)

    options = words[words.index("download-model") + 1 :]
    told = dict(zip(options[::2], options[1::2], strict=True))
    assert told == {f"--{name}": text for name, text in ASKED.items()} | {"--dest": "model"}
    assert {name.removeprefix("--") for name in told} <= {each.name for each in INPUTS}


@pytest.mark.parametrize("ci", snippets.NAMES)
def test_snippet__without_a_stage_is_the_latest_version(ci: CI) -> None:
    text = snippets.snippet(SnippetInputs("http://h", "acme/models", "churn"), ci)

    assert "stage" not in text
    assert "churn" in text


@pytest.mark.parametrize(
    "name",
    [
        "1e5",
        "0x1F",
        "123",
        "1.0",
        "true",
        "No",
        "y",
        "null",
        "2026-03-01",
        "0o17",
        "a/b-c_d",
        "a:1",
    ],
)
def test_snippet__a_name_that_looks_like_something_else(name: str) -> None:
    wanted = SnippetInputs("http://h", "acme/models", name, name)

    assert github(wanted)["with"]["model"] == name
    assert gitlab(wanted)["inputs"]["stage"] == name
    assert name in docker(wanted)


def test_snippet__a_name_that_only_yaml_1_2_takes_for_a_number() -> None:
    assert 'model: "1e5"' in snippets.snippet(
        SnippetInputs("http://h", "acme/models", "1e5"), "github"
    )


def test_snippet__hostile_text_stays_one_value() -> None:
    hostile = 'x\'; rm -rf / #\n"${{ secrets.OTHER }}"'
    wanted = SnippetInputs("http://h", "acme/models", "churn", hostile)

    assert github(wanted)["with"]["stage"] == hostile
    assert gitlab(wanted)["inputs"]["stage"] == hostile
    assert hostile in docker(wanted)


@pytest.mark.parametrize(
    ("text", "ci"),
    [("gitlab", "gitlab"), ("docker", "docker"), ("", "github"), ("jenkins", "github")],
)
def test_ci_named(text: str, ci: CI) -> None:
    assert snippets.parse_ci(text) == ci
