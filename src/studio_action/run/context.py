"""One run: its config, and the platform that it writes for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio_action.ci import files
from studio_action.ci.base import Platform
from studio_action.download.filesystems import Filesystems
from studio_action.gitrepo.git.programs import Processes
from studio_action.inputs.config import RunConfig


@dataclass(frozen=True, slots=True)
class RunContext:
    """What every recipe needs to know."""

    config: RunConfig
    platform: Platform
    filesystems: Filesystems = field(default_factory=Filesystems)
    """The file systems of opened remotes, which the downloader reads from."""
    processes: Processes = field(default_factory=Processes)
    """The processes of git that run."""


def publish(outputs: Mapping[str, str], prefix: str, context: RunContext) -> None:
    """Hand the outputs to later steps, and write them to the files that inputs name."""
    platform, reports = context.platform, context.config.reports
    platform.publish(outputs, prefix)
    hidden = {name: platform.hide(value) for name, value in outputs.items()}
    if reports.json:
        files.write_json(reports.json, hidden)
    if reports.env:
        files.write_env(reports.env, hidden, prefix)
    if reports.dir:
        files.write_each(reports.dir, hidden)
