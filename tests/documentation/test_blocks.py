"""Every block of code that users read is right: linted, read by the real reader, or run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio_action.policy import reading as policy
from studio_action.server.run.configuration.reading import Options, read
from tests.documentation.blocks import BLOCKS, ROOT, Block, kind_of_yaml, of_kind
from tests.documentation.shell import commands_in, unknown_options
from tests.servers.nginx import nginx
from tests.servers.process import free_ports

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
OURS = re.compile(r"studio-action/studio-action(/composite)?@v\d")
MIRROR = re.compile(r"\w+/studio-action@v\d")
"""What a team calls its own mirror of the action."""


def ids(block: Block) -> str:
    return str(block)


def program(name: str) -> Path:
    """A linter of the environment; the tests of other Pythons have none."""
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        pytest.skip(f"{name} is not installed")
    return found


def lint(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


def written(blocks: list[Block], folder: Path, suffix: str) -> list[Path]:
    """The blocks as files that are called after their place."""
    paths = []
    for block in blocks:
        path = folder / (str(block).replace("/", "_").replace(":", "_") + suffix)
        path.write_text(block.text)
        paths.append(path)
    return paths


@pytest.mark.parametrize("block", BLOCKS, ids=ids)
def test_block__it_is_known_what_becomes_of_it(block: Block) -> None:
    maps = ("CONTRIBUTING.md", "docs/architecture.md")
    drawn = not block.language and block.page.relative_to(ROOT).as_posix() in maps

    assert drawn or block.kind, "give it a language, or a fate in tests/documentation/blocks.py"


def test_there_are_blocks_of_each_kind() -> None:
    assert len(BLOCKS) > 80
    assert len({block.kind for block in BLOCKS}) > 10


@pytest.mark.parametrize("document", [{"colour": "blue"}, "a text", 7, {}])
def test_kind__nobody_knows(document: Any) -> None:
    assert kind_of_yaml(document) is None


# Shell


def test_shell__is_linted(tmp_path: Path) -> None:
    files = written(of_kind("shell"), tmp_path, ".sh")
    # SC2034, SC2153: a block shows a part, and its variables are used or set elsewhere
    options = ("--shell=bash", "--exclude=SC2034,SC2153,SC2154", "--severity=style")

    lint(program("shellcheck"), *options, *files, cwd=tmp_path)


@pytest.mark.parametrize("block", of_kind("shell", "shown"), ids=ids)
def test_shell__its_options_exist(block: Block) -> None:
    for words in commands_in(block.text):
        assert unknown_options(words) == [], " ".join(words)


@pytest.mark.parametrize("block", of_kind("console"), ids=ids)
def test_console__its_make_targets_exist(block: Block) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = [line.split()[:2] for line in block.text.splitlines()]

    assert all(make == "make" and target in targets for make, target in commands)


def test_json__is_json() -> None:
    for block in of_kind("json"):
        json.loads(block.text)


def test_dockerfile__is_linted(tmp_path: Path) -> None:
    files = written(of_kind("dockerfile"), tmp_path, ".Dockerfile")
    # DL3006, DL3013: which version, is up to the reader
    ignored = ("--ignore", "DL3006", "--ignore", "DL3013", "--ignore", "DL3042")

    lint(program("hadolint"), *ignored, *files, cwd=tmp_path)


@pytest.mark.servers
@pytest.mark.parametrize("block", of_kind("nginx"), ids=ids)
def test_nginx__reads_it(block: Block, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    http = f"server {{ listen 127.0.0.1:{port};\n{block.text} }}"

    with nginx(tmp_path / "nginx", http, f"http://127.0.0.1:{port}"):
        pass


# GitHub


def workflow_of(block: Block) -> dict[str, Any]:
    """The whole workflow that a block is a part of."""
    document = block.document
    if block.kind == "github-workflow":
        return dict(document)
    if block.kind == "github-env":
        document = [{"run": "make", **document}]
    job = {"steps": document} if isinstance(document, list) else document
    return {"on": "push", "permissions": {}, "jobs": {"job": {"runs-on": "ubuntu-24.04", **job}}}


GITHUB = of_kind("github-workflow", "github-job", "github-steps", "github-env")


def test_github__is_linted(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for path, block in zip(written(GITHUB, folder, ".yml"), GITHUB, strict=True):
        document = workflow_of(block)
        document = {"on" if key is True else key: value for key, value in document.items()}
        path.write_text(yaml.safe_dump(document, sort_keys=False))
    files = sorted(folder.iterdir())
    # A part of a workflow may use what the part before it made.
    known = ("-ignore", r'property "model" is not defined in object type \{\}')

    lint(program("actionlint"), "-no-color", *known, *files, cwd=tmp_path)
    schema = ("--builtin-schema", "vendor.github-workflows")
    lint(program("check-jsonschema"), *schema, *files, cwd=tmp_path)


def steps_of(block: Block) -> Iterator[dict[str, Any]]:
    for job in workflow_of(block)["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("block", GITHUB, ids=ids)
def test_github__its_inputs_exist(block: Block) -> None:
    for step in steps_of(block):
        if OURS.match(step.get("uses", "")) or MIRROR.match(step.get("uses", "")):
            assert set(step.get("with", {})) <= set(ACTION["inputs"])


@pytest.mark.parametrize("block", GITHUB, ids=ids)
def test_github__its_outputs_exist(block: Block) -> None:
    ours = {
        step["id"] for step in steps_of(block) if "id" in step and OURS.match(step.get("uses", ""))
    }
    used = re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", block.text)

    assert {output for step, output in used if step in ours} <= set(ACTION["outputs"])


# GitLab

GITLAB = of_kind("gitlab")
HEADER, JOBS = yaml.load_all(
    (ROOT / ".gitlab-ci-template.yml").read_text(), type("L", (yaml.SafeLoader,), {})
)


def test_gitlab__is_linted(tmp_path: Path) -> None:
    files = written(GITLAB, tmp_path, ".yml")
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")

    lint(program("check-jsonschema"), *schema, *files, cwd=tmp_path)


def spec_of(include: dict[str, Any]) -> set[str]:
    """The inputs of the template, or of the component that is named."""
    if "file" in include:
        return set(HEADER["spec"]["inputs"])
    name = include["component"].partition("@")[0].rpartition("/")[2]
    header, *_ = yaml.safe_load_all((ROOT / f"templates/{name}/template.yml").read_text())
    return set(header["spec"]["inputs"])


@pytest.mark.parametrize("block", GITLAB, ids=ids)
def test_gitlab__its_inputs_jobs_and_variables_exist(block: Block) -> None:
    document = block.document
    variables = {f"STUDIO_ACTION_{name.upper().replace('-', '_')}" for name in ACTION["inputs"]}
    outputs = {f"MODEL_{name.upper().replace('-', '_')}" for name in ACTION["outputs"]}

    for include in document.get("include", []):
        assert set(include["inputs"]) <= spec_of(include)
    for job in document.values():
        if isinstance(job, dict) and "extends" in job:
            assert job["extends"] in JOBS
    assert set(re.findall(r"STUDIO_ACTION_\w+", block.text)) <= variables
    assert set(re.findall(r"\$(MODEL_\w+)", block.text)) <= outputs


# What our own readers read


def configured(block: Block, folder: Path) -> Path:
    """A configuration file with the block, and what it leaves to another one."""
    whole: dict[str, Any] = {
        "data-dir": "data",
        "url": "https://models.example.org",
        "repositories": [{"url": "https://github.com/acme/models.git"}],
    }
    document = block.document
    if block.kind == "server-repository":
        whole["repositories"][0] |= document
    else:
        whole |= document
    path = folder / "server.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path


@pytest.mark.parametrize("block", of_kind("server", "server-repository"), ids=ids)
def test_server__the_server_reads_it(block: Block, tmp_path: Path) -> None:
    secrets = dict.fromkeys(re.findall(r"env: (\w+)", block.text), "a secret")

    assert read(Options(str(configured(block, tmp_path))), secrets, tmp_path).repositories


HERE = re.compile(r"<<'END'\n(.*?)^END$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("block", "text"),
    [(block, text) for block in of_kind("shell") for text in HERE.findall(block.text)],
    ids=str,
)
def test_shell__the_server_reads_what_it_writes(block: Block, text: str, tmp_path: Path) -> None:
    (tmp_path / "server.yaml").write_text(text)

    assert read(Options("server.yaml"), {}, tmp_path).repositories


@pytest.mark.parametrize("block", of_kind("policy"), ids=ids)
def test_policy__the_program_reads_it(block: Block) -> None:
    assert policy.parse(block.text.encode(), policy.NAME, "").rules


def test_kubernetes__is_linted(tmp_path: Path) -> None:
    files = written(of_kind("kubernetes"), tmp_path, ".yaml")

    lint(program("kubernetes-validate"), "--strict", *files, cwd=tmp_path)
