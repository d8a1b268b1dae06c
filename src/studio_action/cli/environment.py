"""What a command line is run in: the job, and what writes for its CI system."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from studio_action.inputs.lookup import Inputs

if TYPE_CHECKING:
    from studio_action.ci.base import Platform
    from studio_action.ci.job import Job


@dataclass
class Environment:
    """The environment, and what is made of it once it is needed: --help needs nothing.

    `options` are those of the command line, once it is read.
    """

    environ: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def inputs(self, options: Mapping[str, str]) -> Inputs:
        """Return the inputs of a command that has these options."""
        self.options = options
        return Inputs(options, self.environ)

    @cached_property
    def job(self) -> Job:
        """Return the CI job that this runs in."""
        from pathlib import Path

        from studio_action.ci.platforms import detect_job
        from studio_action.inputs.parsers import is_true

        inputs = Inputs(self.options, self.environ)
        job = detect_job(self.environ, Path.cwd())
        quiet, verbose = is_true(inputs["quiet"]), is_true(inputs["verbose"])
        return replace(job, quiet=quiet, debug=job.debug or verbose)

    @cached_property
    def platform(self) -> Platform:
        """Return what writes for the job's CI system."""
        from studio_action.ci.platforms import platform_for
        from studio_action.ci.results import read_style

        return platform_for(
            self.job,
            stdout=sys.stdout,
            stderr=sys.stderr,
            style=read_style(Inputs(self.options, self.environ)["format"].text),
            plain=bool(self.environ.get("NO_COLOR")) or self.environ.get("TERM") == "dumb",
        )
