"""The fenced blocks of what users read, and what each of them is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

import yaml

from studio_action.server.run.configuration.form import ConfigurationForm, RepositoryForm

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    ROOT / "integrations/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

Kind = Literal[
    "console",
    "shell",
    "python",
    "json",
    "dockerfile",
    "shown",
    "github-workflow",
    "github-job",
    "github-steps",
    "github-env",
    "gitlab",
    "server",
    "server-repository",
    "policy",
    "kubernetes",
    "chart",
    "nginx",
]
_BY_LANGUAGE: Mapping[str, Kind] = {
    "console": "console",
    "sh": "shell",
    "python": "python",
    "json": "json",
    "dockerfile": "dockerfile",
    "text": "shown",
    "nginx": "nginx",
}
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^ *(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


class GitLabLoader(yaml.SafeLoader):
    """Reads `!reference` as the list behind it."""


GitLabLoader.add_constructor(
    "!reference", lambda loader, node: tuple(loader.construct_sequence(node))
)


@dataclass(frozen=True, slots=True)
class Block:
    """One block: the page, the line of its fence, its language and its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def document(self) -> Any:
        """What a block of YAML says."""
        return yaml.load(self.text, GitLabLoader)

    @property
    def kind(self) -> Kind | None:
        """What the block is, and so what becomes of it; None if nobody knows."""
        if self.language == "yaml":
            return kind_of_yaml(self.document)
        return _BY_LANGUAGE.get(self.language)


def kind_of_yaml(document: Any) -> Kind | None:
    """Return what a document in YAML is for, by its top."""
    if isinstance(document, list):
        return "github-steps"
    top = set(document) if isinstance(document, dict) else set()
    if {"apiVersion", "kind"} <= top:
        return "kubernetes"
    if "jobs" in top:
        return "github-workflow"
    if "steps" in top:
        return "github-job"
    if top == {"env"}:
        return "github-env"
    if top == {"rules"}:
        return "policy"
    if {"config", "database"} <= top:
        return "chart"
    if top and top <= _entries(ConfigurationForm):
        return "server"
    if top and top <= _entries(RepositoryForm):
        return "server-repository"
    jobs = [each for each in document.values() if isinstance(each, dict)] if top else []
    if "include" in top or any("script" in each for each in jobs):
        return "gitlab"
    return None


def _entries(form: Any) -> set[str]:
    return {name.replace("_", "-") for name in form.model_fields}


def blocks_in(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found["language"].strip(),
            dedent(found["text"]),
        )
        for found in _FENCE.finditer(text)
    ]


BLOCKS = [block for page in PAGES for block in blocks_in(page)]


def of_kind(*kinds: Kind) -> list[Block]:
    """All blocks of these kinds."""
    return [block for block in BLOCKS if block.kind in kinds]
