from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from studio_action.ci.base import Platform
from studio_action.ci.job import Job
from studio_action.ci.platforms import platform_for


class Desk:
    """A job of one CI system, the writer for it, and everything that it wrote."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stdout = io.StringIO()
        self.stderr = io.StringIO()
        self.platform: Platform = platform_for(job, stdout=self.stdout, stderr=self.stderr)

    @property
    def log(self) -> str:
        return (self.stderr if self.job.system == "generic" else self.stdout).getvalue()

    @property
    def outputs(self) -> Path:
        assert self.job.output_file
        return self.job.output_file

    @property
    def summary(self) -> Path:
        assert self.job.summary_file
        return self.job.summary_file

    def state(self, name: str) -> Path:
        return self.job.workspace / ".studio-action" / name

    def next_step(self) -> Desk:
        return Desk(self.job)

    def written(self) -> str:
        """Streams and files, all of it."""
        found = [path for path in self.job.workspace.parent.rglob("*") if path.is_file()]
        texts = [path.read_text() for path in found]
        return "\n".join([self.stdout.getvalue(), self.stderr.getvalue(), *texts])


class Desks:
    def __init__(self, folder: Path) -> None:
        self.job = Job(
            "generic",
            folder / "workspace",
            output_file=folder / "outputs",
            summary_file=folder / "summary",
        )
        self.job.workspace.mkdir()

    def __call__(self, system: str, **changes: object) -> Desk:
        return Desk(replace(self.job, system=system, **changes))  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Desks:
    """Makes a desk: `desk("github", debug=True)`."""
    return Desks(tmp_path)
